package dev.instaflow.examples.cli;

import dev.instaflow.pipeline.CancelToken;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Where a command writes to.
 *
 * @param out results, for scripts
 * @param err messages, for people
 * @param errIsInteractive whether a person sees {@code err} as it is written, so that a progress
 *     bar makes sense
 * @param interrupt cancelled when the user presses Ctrl-C
 */
record Terminal(PrintStream out, PrintStream err, boolean errIsInteractive, CancelToken interrupt) {
    /** The standard streams of this process. */
    static Terminal ofProcess() {
        if (System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("windows")) {
            boolean console = System.console() != null;
            return new Terminal(System.out, System.err, console, new CancelToken());
        }
        // UTF-8 whatever the locale: in the POSIX locale of many containers Java would print
        // question marks, and captions are Russian.
        return new Terminal(
                utf8(FileDescriptor.out),
                utf8(FileDescriptor.err),
                errIsATerminal(),
                new CancelToken());
    }

    private static PrintStream utf8(FileDescriptor file) {
        OutputStream stream = new FileOutputStream(file);
        return new PrintStream(stream, true, StandardCharsets.UTF_8);
    }

    /** {@code System.console()} asks about standard input and output, which may be redirected. */
    private static boolean errIsATerminal() {
        Path descriptor = Path.of("/proc/self/fd/2");
        try {
            String target = Files.readSymbolicLink(descriptor).toString();
            return target.startsWith("/dev/pts/")
                    || target.startsWith("/dev/tty")
                    || target.equals("/dev/console");
        } catch (IOException e) {
            return System.console() != null; // no /proc, as on macOS
        }
    }

    /** One line for people. */
    void say(String line) {
        err.println(line);
    }

    /** Something that the user should know and that stops nothing. */
    void warn(String line) {
        err.println("warning: " + line);
    }
}
