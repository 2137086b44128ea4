package dev.instaflow.ptx;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/** The PTX texts of the tests. */
public final class PtxTexts {
    private PtxTexts() {}

    /**
     * @param file name beside this class, such as {@code k_basic.ptx}
     */
    public static String read(String file) throws IOException {
        try (InputStream in = PtxTexts.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new FileNotFoundException(file);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
