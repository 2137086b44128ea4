package dev.instaflow.train.recipe;

import dev.instaflow.train.run.StepReport;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What each step did, a line each, appended at once. Lines of steps after the checkpoint that a run continues from
 * are taken away first, so that the file tells of one run.
 */
final class RunLog implements AutoCloseable {
    private static final String HEADER = "step,loss,gradient_norm,learning_rate,seconds";

    private static final Pattern STEP = Pattern.compile("(\\d{1,18})(,[^,]+){4}");

    private final PrintWriter out;

    private RunLog(PrintWriter out) {
        this.out = out;
    }

    static RunLog open(Path file, long steps) throws IOException {
        if (Files.exists(file)) {
            cut(file, steps);
        } else {
            Files.writeString(file, HEADER + "\n");
        }
        return new RunLog(
                new PrintWriter(
                        Files.newBufferedWriter(
                                file, StandardCharsets.UTF_8, StandardOpenOption.APPEND)));
    }

    /** Keeps the header and the lines of the first steps, which are whole. */
    private static void cut(Path file, long steps) throws IOException {
        List<String> lines = Files.readAllLines(file);
        if (lines.isEmpty() || !lines.get(0).equals(HEADER)) {
            throw new IOException(file + ": is no log of a run; move it away");
        }
        long bytes = HEADER.length() + 1L;
        for (String line : lines.subList(1, lines.size())) {
            Matcher step = STEP.matcher(line);
            if (!step.matches() || Long.parseLong(step.group(1)) > steps) {
                break;
            }
            bytes += line.length() + 1L; // all of it is ASCII
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(bytes);
        }
    }

    void add(StepReport report, double seconds) {
        out.print(
                String.format(
                        Locale.ROOT,
                        "%d,%.6g,%.5g,%.6g,%.4f\n",
                        report.step(),
                        report.loss(),
                        report.gradientNorm(),
                        report.learningRate(),
                        seconds));
        out.flush();
    }

    @Override
    public void close() {
        out.close();
    }
}
