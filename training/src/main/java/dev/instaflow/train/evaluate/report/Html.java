package dev.instaflow.train.evaluate.report;

import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;

/** Pieces of a page. */
final class Html {
    private Html() {}

    /** Text as it may stand between tags and in quotes. */
    static String text(String raw) {
        return raw.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    /** A number with a fixed count of digits behind the point. */
    static String number(double value, int digits) {
        return String.format(Locale.ROOT, "%." + digits + "f", value);
    }

    static String percent(double share) {
        return number(100 * share, 1) + "&nbsp;%";
    }

    /** A picture inside the page. */
    static String image(Pixels pixels, String description) {
        try {
            byte[] png = ImageFile.encodePng(pixels, Map.of());
            return "<img width=\"%d\" height=\"%d\" alt=\"%s\" src=\"data:image/png;base64,%s\">"
                    .formatted(
                            pixels.width(),
                            pixels.height(),
                            text(description),
                            Base64.getEncoder().encodeToString(png));
        } catch (IOException e) {
            throw new UncheckedIOException(e); // nothing is written but memory
        }
    }
}
