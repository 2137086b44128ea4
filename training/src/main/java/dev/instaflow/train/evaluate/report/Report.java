package dev.instaflow.train.evaluate.report;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.checkpoint.AtomicFile;
import dev.instaflow.train.evaluate.EvaluationResult;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes what an evaluation found out. */
public final class Report {
    /** The page for people. */
    public static final String PAGE = "report.html";

    /** The numbers for programs. */
    public static final String NUMBERS = "report.json";

    private Report() {}

    /**
     * Writes {@link #PAGE} and {@link #NUMBERS}.
     *
     * @param result what was found out
     * @param folder made if it does not exist; the files are replaced if they do
     * @throws IOException if they cannot be written
     */
    public static void write(EvaluationResult result, Path folder) throws IOException {
        byte[] numbers =
                new ObjectMapper()
                        .writerWithDefaultPrettyPrinter()
                        .writeValueAsBytes(new JsonReport(result).root());
        byte[] page = new HtmlReport(result).page().getBytes(StandardCharsets.UTF_8);
        Files.createDirectories(folder);
        AtomicFile.write(folder.resolve(NUMBERS), part -> Files.write(part, numbers));
        AtomicFile.write(folder.resolve(PAGE), part -> Files.write(part, page));
    }
}
