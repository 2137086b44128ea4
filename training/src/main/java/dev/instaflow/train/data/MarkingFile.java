package dev.instaflow.train.data;

import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;

/**
 * The table of a collection: UTF-8 with or without a mark at its start; commas, semicolons or tabs between
 * fields, whichever the header has most of.
 *
 * @param path for messages
 * @param header names of the columns
 * @param rows the fields of each row, with the line where it begins
 */
record MarkingFile(Path path, List<String> header, List<Row> rows) {
    private static final char BYTE_ORDER_MARK = '\uFEFF';
    private static final char[] DELIMITERS = {',', ';', '\t'};

    /** One row. */
    record Row(long line, List<String> fields) {}

    static MarkingFile read(Path path) throws IOException {
        String text = text(path);
        List<Row> rows = new ArrayList<>();
        CSVFormat format =
                CSVFormat.RFC4180
                        .builder()
                        .setDelimiter(delimiter(text))
                        .setIgnoreEmptyLines(true)
                        .get();
        try (Reader reader = new StringReader(text);
                CSVParser parser = CSVParser.parse(reader, format)) {
            long line = 1;
            for (CSVRecord record : parser) {
                rows.add(new Row(line, record.toList()));
                line = parser.getCurrentLineNumber() + 1;
            }
        } catch (UncheckedIOException e) {
            throw new IOException(path + ": " + e.getCause().getMessage(), e);
        }
        if (rows.isEmpty()) {
            throw new IOException(path + ": is empty; expected a header and rows");
        }
        List<String> header = rows.remove(0).fields().stream().map(String::strip).toList();
        return new MarkingFile(path, header, rows);
    }

    private static String text(Path path) throws IOException {
        byte[] bytes = Files.readAllBytes(path);
        try {
            String text =
                    StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            boolean marked = !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK;
            return marked ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw new IOException(path + ": is not UTF-8; save it in that encoding", e);
        }
    }

    private static char delimiter(String text) {
        String header = text.lines().findFirst().orElse("");
        char best = DELIMITERS[0];
        for (char candidate : DELIMITERS) {
            if (count(header, candidate) > count(header, best)) {
                best = candidate;
            }
        }
        return best;
    }

    private static long count(String line, char c) {
        return line.chars().filter(found -> found == c).count();
    }

    /** The column of that name. */
    int named(String name) throws IOException {
        for (int i = 0; i < header.size(); i++) {
            if (header.get(i).equalsIgnoreCase(name)) {
                return i;
            }
        }
        throw new IOException("%s: no column \"%s\"; there are %s".formatted(path, name, header));
    }

    /** The first column that has one of these names, in the order of the names. */
    Optional<Integer> anyOf(List<String> names) {
        for (String name : names) {
            for (int i = 0; i < header.size(); i++) {
                if (header.get(i).toLowerCase(Locale.ROOT).equals(name)) {
                    return Optional.of(i);
                }
            }
        }
        return Optional.empty();
    }

    /** The share of rows whose field in a column passes a test. */
    double share(int column, java.util.function.Predicate<String> test) {
        long passed =
                rows.stream()
                        .filter(r -> column < r.fields().size())
                        .filter(r -> test.test(r.fields().get(column)))
                        .count();
        return rows.isEmpty() ? 0 : (double) passed / rows.size();
    }
}
