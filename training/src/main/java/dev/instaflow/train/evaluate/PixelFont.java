package dev.instaflow.train.evaluate;

import java.awt.Graphics2D;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Letters, digits and a few signs, three dots wide and five high: machines that train often have no fonts, where
 * Java's own text fails. What is not here is left blank.
 */
final class PixelFont {
    private static final int COLUMNS = 3;
    private static final int ROWS = 5;
    private static final int DOT = 2;

    /** From one character's left edge to the next one's. */
    private static final int ADVANCE = (COLUMNS + 1) * DOT;

    /** Height of a line without space around it. */
    static final int HEIGHT = ROWS * DOT;

    /** Each glyph row by row from the top, a digit a row, its bits from left to right 4, 2 and 1. */
    private static final Map<Character, String> GLYPHS = glyphs();

    private PixelFont() {}

    private static Map<Character, String> glyphs() {
        String characters = "0123456789.-+_/:%abcdefghijklmnopqrstuvwxyz";
        String rows =
                "75557 26227 71747 71717 55711 74717 74757 71111 75757 75717 00002 00700 02720"
                        + " 00007 11244 02020 51245 25755 65656 34443 65556 74647 74644 34553 55755 72227"
                        + " 11152 55655 44447 57755 65555 25552 65644 25563 65655 34216 72222 55557"
                        + " 55552 55775 55255 55222 71247";
        Map<Character, String> glyphs = new HashMap<>();
        String[] each = rows.split(" ");
        for (int i = 0; i < each.length; i++) {
            glyphs.put(characters.charAt(i), each[i]);
        }
        return glyphs;
    }

    static int width(String text) {
        return text.length() * ADVANCE - DOT;
    }

    /** Draws in the current colour, {@code (x, y)} being the top left corner. */
    static void draw(Graphics2D graphics, String text, int x, int y) {
        String lower = text.toLowerCase(Locale.ROOT);
        for (int i = 0; i < lower.length(); i++) {
            String glyph = GLYPHS.getOrDefault(lower.charAt(i), "00000");
            for (int dot = 0; dot < ROWS * COLUMNS; dot++) {
                int row = dot / COLUMNS;
                int column = dot % COLUMNS;
                if ((glyph.charAt(row) - '0' >> COLUMNS - 1 - column & 1) == 1) {
                    graphics.fillRect(x + i * ADVANCE + column * DOT, y + row * DOT, DOT, DOT);
                }
            }
        }
    }
}
