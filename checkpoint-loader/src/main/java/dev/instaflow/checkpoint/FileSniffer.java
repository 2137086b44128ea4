package dev.instaflow.checkpoint;

import dev.instaflow.checkpoint.storage.MappedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Tells kinds of files apart by their first bytes. */
final class FileSniffer {
    private static final int HEAD_BYTES = 512;
    private static final String LFS_FIRST_LINE = "version https://git-lfs.github.com/spec/";
    private static final Pattern LFS_SIZE = Pattern.compile("(?m)^size (\\d{1,18})$");
    private static final String FETCH_AGAIN = "fetch the file again";
    private static final int TAR_MAGIC_AT = 257;

    /** A whole model has the first, parts of one some of the next, the folder of a part the last. */
    private static final List<String> FOLDER_SIGNS =
            List.of("model_index.json", "unet", "vae", "text_encoder", "config.json");

    private FileSniffer() {}

    static FileReport look(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            return folder(path);
        }
        if (!Files.exists(path)) {
            throw new NoSuchFileException(path.toString());
        }
        try (MappedFile file = MappedFile.open(path)) {
            int length = (int) Math.min(HEAD_BYTES, file.sizeBytes());
            return file(path, file.sizeBytes(), file.bytes(0, length));
        }
    }

    private static FileReport folder(Path path) {
        boolean diffusers =
                FOLDER_SIGNS.stream().anyMatch(sign -> Files.exists(path.resolve(sign)));
        return diffusers
                ? new FileReport(path, FileKind.DIFFUSERS_FOLDER, "a diffusers folder", "")
                : other(
                        path,
                        "a folder without " + String.join(", ", FOLDER_SIGNS),
                        "name the model file, or a diffusers folder");
    }

    private static FileReport file(Path path, long size, byte[] head) {
        if (size == 0) {
            return new FileReport(path, FileKind.EMPTY, "the file is empty (0 bytes)", FETCH_AGAIN);
        }
        String text = new String(head, StandardCharsets.ISO_8859_1);
        if (text.startsWith(LFS_FIRST_LINE)) {
            return lfsPointer(path, size, text);
        }
        if (isHtml(text)) {
            return new FileReport(
                    path,
                    FileKind.HTML_PAGE,
                    "an HTML page of " + size + " bytes, not a model: the download failed",
                    "look at it in a browser for the reason, then " + FETCH_AGAIN);
        }
        Optional<FileReport> archive = archive(path, text);
        return archive.isPresent() ? archive.get() : model(path, size, head, text);
    }

    private static FileReport lfsPointer(Path path, long size, String text) {
        Matcher matcher = LFS_SIZE.matcher(text);
        String expected =
                matcher.find() ? " of the " + matcher.group(1) + " bytes it stands for" : "";
        return new FileReport(
                path,
                FileKind.GIT_LFS_POINTER,
                "a Git LFS pointer of " + size + " bytes instead" + expected,
                "run 'git lfs install' and 'git lfs pull' in its repository");
    }

    private static boolean isHtml(String text) {
        String start = text.stripLeading().toLowerCase(Locale.ROOT);
        return start.startsWith("<!doctype html")
                || start.startsWith("<html")
                || start.startsWith("<?xml");
    }

    private static Optional<FileReport> archive(Path path, String text) {
        if (text.startsWith("\u001f\u008b")) {
            return Optional.of(other(path, "a gzip archive", "unpack it with gunzip"));
        }
        if (text.startsWith("\u0089PNG")) {
            return Optional.of(other(path, "a PNG image, not a model", "name the model file"));
        }
        if (text.startsWith("Rar!") || text.startsWith("7z\u00bc\u00af")) {
            return Optional.of(other(path, "a compressed archive", "unpack it first"));
        }
        boolean ustar = text.startsWith("ustar", TAR_MAGIC_AT);
        boolean torchTar = text.startsWith("sys_info\0") || text.startsWith("storages\0");
        if (ustar || torchTar) {
            return Optional.of(
                    other(
                            path,
                            "a tar archive; torch before 0.1.10 saved models so, which we do not read",
                            "unpack it, or load and save it with torch 0.4 to 1.5"));
        }
        return Optional.empty();
    }

    private static FileReport model(Path path, long size, byte[] head, String text) {
        if (text.startsWith("PK\u0003\u0004")) {
            return new FileReport(path, FileKind.CKPT_ZIP, "a zip archive", "");
        }
        if (text.startsWith("PK\u0005\u0006")) {
            return other(path, "a zip archive without entries", FETCH_AGAIN);
        }
        boolean named = path.toString().toLowerCase(Locale.ROOT).endsWith(".safetensors");
        boolean brace = head.length > 8 && head[8] == '{';
        if (brace || named) {
            return new FileReport(
                    path, FileKind.SAFETENSORS, "a safetensors header of " + headerBytes(head), "");
        }
        boolean protocol = (head[0] & 0xff) == 0x80;
        boolean oldPickle = "c(}]lid".indexOf(head[0]) >= 0 && text.indexOf('\n') > 0;
        if (protocol || oldPickle) {
            return new FileReport(path, FileKind.CKPT_LEGACY, "a pickle outside of a zip", "");
        }
        return other(
                path,
                "not a model file: it has " + size + " bytes and starts with " + hex(head),
                "expected a .ckpt, .safetensors or a diffusers folder");
    }

    private static String headerBytes(byte[] head) {
        return head.length < 8
                ? head.length + " bytes"
                : Long.toUnsignedString(
                                ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getLong())
                        + " bytes";
    }

    private static String hex(byte[] head) {
        StringBuilder hex = new StringBuilder();
        for (int i = 0; i < Math.min(8, head.length); i++) {
            hex.append(i == 0 ? "" : " ").append(String.format("%02x", head[i]));
        }
        return hex.toString();
    }

    private static FileReport other(Path path, String found, String advice) {
        return new FileReport(path, FileKind.NOT_A_CHECKPOINT, found, advice);
    }
}
