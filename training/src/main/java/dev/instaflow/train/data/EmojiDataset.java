package dev.instaflow.train.data;

import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.data.RowProblem.Kind;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.ProviderNotFoundException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.zip.ZipError;

/**
 * Pictures with captions in the layout of Kaggle's {@code shonenkov/russian-emoji}: {@code marking.csv}
 * beside {@code images/}, {@code rgba_train/} and {@code rgba_valid/}. The names of the original's columns
 * are not documented, so columns are found by their usual names, else by what is in them. Rows that cannot
 * be used are left out and reported.
 */
public final class EmojiDataset implements AutoCloseable {
    private static final String TABLE = "marking.csv";
    private static final String TRAIN_FOLDER = "rgba_train";
    private static final String VALID_FOLDER = "rgba_valid";
    private static final String IMAGES_FOLDER = "images";
    private static final List<String> IMAGE_NAMES =
            List.of("image", "file", "filename", "file_name", "path", "image_path", "picture");
    private static final List<String> TEXT_NAMES =
            List.of("text", "caption", "label", "title", "description", "name", "name_ru", "ru");
    private static final List<String> TAG_NAMES = List.of("tags", "keywords");

    /** A column of pictures' names names existing files in most rows; one of captions has letters. */
    private static final double MOST = 0.5;

    private final Path folder;
    private final Closeable packed;
    private final DatasetOptions options;
    private final List<EmojiRow> rows = new ArrayList<>();
    private final List<RowProblem> problems = new ArrayList<>();
    private final Map<String, Long> linesByRow = new HashMap<>();
    private final Map<String, Long> linesByText = new HashMap<>();
    private final Map<Long, List<EmojiRow>> rowsByPixels = new HashMap<>();

    private EmojiDataset(Path folder, Closeable packed, DatasetOptions options) {
        this.folder = folder;
        this.packed = packed;
        this.options = options;
    }

    /**
     * Reads a collection; every picture is decoded once, to know that it can be.
     *
     * @param place a folder, a zip or a tar.xz with {@code marking.csv} and at least one of the picture
     *     folders; a tar.xz is unpacked to a temporary folder until the collection is closed
     * @param options columns and strictness
     * @return the collection, whose pictures can be read until it is closed
     * @throws IOException if the table cannot be read, has no such columns, or a row cannot be used and
     *     the options say that this is an error
     */
    public static EmojiDataset open(Path place, DatasetOptions options) throws IOException {
        if (Files.isDirectory(place)) {
            return read(new EmojiDataset(place, () -> {}, options));
        }
        if (place.toString().endsWith(UnpackedCollection.SUFFIX)) {
            UnpackedCollection unpacked = UnpackedCollection.of(place);
            return read(new EmojiDataset(unpacked.folder(), unpacked, options));
        }
        FileSystem zip;
        try {
            zip = FileSystems.newFileSystem(place);
        } catch (ProviderNotFoundException | ZipError e) {
            throw new IOException(place + ": is neither a folder nor a zip nor a tar.xz", e);
        }
        return read(new EmojiDataset(zip.getPath("/"), zip, options));
    }

    private static EmojiDataset read(EmojiDataset dataset) throws IOException {
        try {
            dataset.read(MarkingFile.read(dataset.folder.resolve(TABLE)));
            return dataset;
        } catch (IOException | RuntimeException e) {
            dataset.close();
            throw e;
        }
    }

    /** Which column means what. */
    private record Columns(int image, int text, Optional<Integer> tags, Optional<Integer> split) {}

    private void read(MarkingFile table) throws IOException {
        Columns columns = columns(table);
        for (MarkingFile.Row row : table.rows()) {
            read(table, columns, row);
        }
    }

    private Columns columns(MarkingFile table) throws IOException {
        int image =
                options.imageColumn().isPresent()
                        ? table.named(options.imageColumn().get())
                        : found(table, IMAGE_NAMES, -1, name -> picture(name).isPresent(), "image");
        int text =
                options.textColumn().isPresent()
                        ? table.named(options.textColumn().get())
                        : found(table, TEXT_NAMES, image, EmojiDataset::isCaption, "text");
        return new Columns(image, text, table.anyOf(TAG_NAMES), table.anyOf(List.of("split")));
    }

    private static boolean isCaption(String field) {
        return field.codePoints()
                .anyMatch(c -> Character.UnicodeScript.of(c) == Character.UnicodeScript.CYRILLIC);
    }

    private static int found(
            MarkingFile table, List<String> names, int taken, Predicate<String> test, String what)
            throws IOException {
        Optional<Integer> named = table.anyOf(names);
        if (named.isPresent() && named.get() != taken) {
            return named.get();
        }
        int best = -1;
        double share = MOST;
        for (int i = 0; i < table.header().size(); i++) {
            double found = i == taken ? 0 : table.share(i, test);
            if (found > share) {
                best = i;
                share = found;
            }
        }
        if (best < 0) {
            throw new IOException(
                    "%s: cannot tell which of the columns %s is the %s column; name it"
                            .formatted(table.path(), table.header(), what));
        }
        return best;
    }

    private void read(MarkingFile table, Columns columns, MarkingFile.Row row) throws IOException {
        List<String> fields = row.fields();
        if (fields.size() != table.header().size()) {
            String counts = "%d fields, the header has %d";
            report(row, Kind.FIELDS, counts.formatted(fields.size(), table.header().size()));
            return;
        }
        String name = fields.get(columns.image).strip();
        String text = fields.get(columns.text).strip();
        if (text.isEmpty()) {
            report(row, Kind.NO_TEXT, "no caption for \"" + name + '"');
            return;
        }
        if (!isInside(name)) {
            report(row, Kind.BAD_NAME, '"' + name + '"');
            return;
        }
        Optional<Path> picture = picture(name);
        if (picture.isEmpty()) {
            report(row, Kind.NO_PICTURE, name + " is in none of the picture folders");
            return;
        }
        Long before = linesByRow.putIfAbsent(picture.get() + "\n" + text, row.line());
        if (before != null) {
            report(row, Kind.REPEATED_ROW, name + " with this caption is in line " + before);
            return;
        }
        add(row, picture.get(), emoji(table, columns, row, picture.get(), text));
    }

    private static EmojiRow emoji(
            MarkingFile table, Columns columns, MarkingFile.Row row, Path picture, String text) {
        Map<String, String> byHeader = new LinkedHashMap<>();
        for (int i = 0; i < table.header().size(); i++) {
            byHeader.put(table.header().get(i), row.fields().get(i));
        }
        List<String> tags =
                columns
                        .tags
                        .map(column -> row.fields().get(column).split("\\|"))
                        .map(Arrays::asList)
                        .orElse(List.of())
                        .stream()
                        .map(String::strip)
                        .filter(tag -> !tag.isEmpty())
                        .toList();
        boolean valid =
                columns.split
                        .map(column -> row.fields().get(column).toLowerCase(Locale.ROOT))
                        .map(split -> split.startsWith("val"))
                        .orElse(picture.getParent().endsWith(VALID_FOLDER));
        return new EmojiRow(
                row.line(),
                picture,
                text,
                tags,
                valid ? Split.VALID : Split.TRAIN,
                Collections.unmodifiableMap(byHeader));
    }

    private void add(MarkingFile.Row row, Path picture, EmojiRow emoji) throws IOException {
        Pixels pixels;
        try {
            pixels = ImageFile.read(picture).pixels();
        } catch (IOException e) {
            report(row, Kind.BROKEN_PICTURE, e.getMessage());
            return;
        }
        Long sameText = linesByText.putIfAbsent(emoji.text(), row.line());
        if (sameText != null) {
            String detail = "\"%s\" is the caption of line %d";
            report(row, Kind.REPEATED_TEXT, detail.formatted(emoji.text(), sameText));
        }
        long hash = pixels.width() * 31L + Arrays.hashCode(pixels.toBytes());
        List<EmojiRow> alike = rowsByPixels.computeIfAbsent(hash, key -> new ArrayList<>());
        for (EmojiRow other : alike) {
            if (Arrays.equals(pixels(other).toBytes(), pixels.toBytes())) {
                String detail = "%s has the pixels of line %d";
                report(
                        row,
                        Kind.REPEATED_PICTURE,
                        detail.formatted(picture.getFileName(), other.line()));
                break;
            }
        }
        alike.add(emoji);
        rows.add(emoji);
    }

    private void report(MarkingFile.Row row, Kind kind, String detail) throws IOException {
        RowProblem problem = new RowProblem(row.line(), kind, detail);
        if (kind.leavesOut() && options.strictness() == DatasetOptions.Strictness.FAIL) {
            throw new IOException(folder.resolve(TABLE) + ": " + problem);
        }
        problems.add(problem);
    }

    /** Pictures lie in the folders of the layout, nowhere else. */
    private boolean isInside(String name) {
        try {
            Path base = folder.resolve(IMAGES_FOLDER).normalize();
            Path path = base.resolve(name).normalize();
            return !name.isEmpty() && path.startsWith(base) && !path.equals(base);
        } catch (InvalidPathException e) {
            return false;
        }
    }

    /** Transparent if there is such a one; the extension may be missing in the table. */
    private Optional<Path> picture(String name) {
        if (!isInside(name)) {
            return Optional.empty();
        }
        for (String place : List.of(TRAIN_FOLDER, VALID_FOLDER, IMAGES_FOLDER)) {
            for (String file : List.of(name, name + ".png")) {
                Path path = folder.resolve(place).resolve(file);
                if (Files.isRegularFile(path)) {
                    return Optional.of(path);
                }
            }
        }
        return Optional.empty();
    }

    /**
     * The rows that can be used.
     *
     * @return in the order of the table
     */
    public List<EmojiRow> rows() {
        return Collections.unmodifiableList(rows);
    }

    /**
     * The rows of one split.
     *
     * @param split which
     * @return in the order of the table
     */
    public List<EmojiRow> rows(Split split) {
        return rows.stream().filter(row -> row.split() == split).toList();
    }

    /**
     * What was wrong.
     *
     * @return in the order of the table
     */
    public List<RowProblem> problems() {
        return Collections.unmodifiableList(problems);
    }

    /**
     * A picture.
     *
     * @param row of this collection
     * @return as in the file: three or four channels
     * @throws IOException if the file has changed since it was first read
     */
    public static Pixels pixels(EmojiRow row) throws IOException {
        return ImageFile.read(row.picture()).pixels();
    }

    /** Closes what was packed; its pictures cannot be read any more then. */
    @Override
    public void close() throws IOException {
        packed.close();
    }
}
