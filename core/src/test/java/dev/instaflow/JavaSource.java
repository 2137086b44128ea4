package dev.instaflow;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One source file as the boundary rules see it: where it belongs, and its code without comments and literals, which may
 * name anything.
 *
 * @param place the file for messages, such as {@code core/src/main/java/…/Conv2d.java}
 * @param module the folder of the Maven module
 * @param kind production code or tests
 * @param packageName as declared; empty for the unnamed package
 * @param code the text with its line breaks, comments blank and literals empty
 */
record JavaSource(String place, String module, Kind kind, String packageName, String code) {
    enum Kind {
        MAIN,
        TEST
    }

    private static final Pattern PACKAGE = Pattern.compile("(?m)^\\s*package\\s+([\\w.]+)\\s*;");

    static JavaSource read(Path root, Path file) throws IOException {
        Path relative = root.relativize(file);
        Kind kind = relative.getName(2).toString().equals("test") ? Kind.TEST : Kind.MAIN;
        String place = relative.toString().replace('\\', '/');
        return of(place, relative.getName(0).toString(), kind, Files.readString(file));
    }

    static JavaSource of(String place, String module, Kind kind, String text) {
        String code = withoutCommentsAndLiterals(text);
        Matcher declared = PACKAGE.matcher(code);
        String packageName = declared.find() ? declared.group(1) : "";
        return new JavaSource(place, module, kind, packageName, code);
    }

    /** {@code dev.instaflow.backend.Device} for the file of that class. */
    String className() {
        String file = place.substring(place.lastIndexOf('/') + 1);
        return packageName + "." + file.replace(".java", "");
    }

    /** The line of an offset in {@link #code}, from 1. */
    long lineOf(int offset) {
        return 1 + code.substring(0, offset).chars().filter(c -> c == '\n').count();
    }

    static String withoutCommentsAndLiterals(String text) {
        StringBuilder code = new StringBuilder(text.length());
        int at = 0;
        while (at < text.length()) {
            int end;
            if (text.startsWith("//", at)) {
                end = endOf(text, "\n", at + 2) - 1;
            } else if (text.startsWith("/*", at)) {
                end = endOf(text, "*/", at + 2);
            } else if (text.startsWith("\"\"\"", at)) {
                end = endOfLiteral(text, "\"\"\"", at + 3);
            } else if (text.charAt(at) == '"' || text.charAt(at) == '\'') {
                end = endOfLiteral(text, text.substring(at, at + 1), at + 1);
            } else {
                code.append(text.charAt(at++));
                continue;
            }
            end = Math.min(Math.max(end, at + 1), text.length());
            code.append(' ');
            text.substring(at, end).chars().filter(c -> c == '\n').forEach(c -> code.append('\n'));
            at = end;
        }
        return code.toString();
    }

    private static int endOf(String text, String mark, int from) {
        int found = text.indexOf(mark, from);
        return found < 0 ? text.length() + 1 : found + mark.length();
    }

    private static int endOfLiteral(String text, String mark, int from) {
        int at = from;
        while (at < text.length() && !text.startsWith(mark, at)) {
            at += text.charAt(at) == '\\' ? 2 : 1;
        }
        return at + mark.length();
    }
}
