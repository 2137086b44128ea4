package dev.instaflow.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The figures in {@code docs/cuda-backend.md}, between marks, which tests compute again. */
final class CudaDocument {
    private static final Path FILE = Path.of("../docs/cuda-backend.md");
    private static final String END = "<!-- end of figures -->";

    private CudaDocument() {}

    /** Fails unless the document has these figures; {@code -Dinstaflow.figures=write} puts them there instead. */
    static void check(String section, String figures) throws IOException {
        String text = Files.readString(FILE);
        String mark = "<!-- figures: " + section + " -->\n";
        int begin = text.indexOf(mark) + mark.length();
        int end = text.indexOf(END, begin);
        if ("write".equals(System.getProperty("instaflow.figures"))) {
            Files.writeString(FILE, text.substring(0, begin) + figures + text.substring(end));
            return;
        }
        assertEquals(
                figures,
                text.substring(begin, end),
                FILE + ", " + section + ": if the change is meant, run -Dinstaflow.figures=write");
    }
}
