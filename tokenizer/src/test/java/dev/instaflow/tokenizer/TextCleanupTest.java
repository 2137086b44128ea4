package dev.instaflow.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextCleanupTest {
    /** Results of Python 3.11's {@code html.unescape}. */
    @ParameterizedTest
    @CsvSource({
        "&notit;, ¬it;",
        "&notin;, ∉",
        "&NotEqualTilde;, ≂\u0338",
        "&#x80;, €",
        "&#128, €",
        "&#xD800;, \uFFFD",
        "&#99999999999;, \uFFFD",
        "&#000000000000065;, A",
        "a&#1;b, ab",
        "&;, &;",
        "&nosuch;, &nosuch;",
        "&ampamp;, &amp;",
    })
    void htmlReferencesEqualPython(String text, String expected) {
        assertEquals(expected, HtmlEntities.unescape(text));
    }

    /** Results of ftfy 6.3.1's {@code fix_text}. */
    @ParameterizedTest
    @CsvSource(
            value = {
                "P&EACUTE;REZ|PÉREZ",
                "a & b &amp; c|a & b & c",
                "<b> &amp;|<b> &amp;",
                "&notit;|&notit;",
                "ﬁn ǆ|fin dž",
                "ＬＯＵＤ　ＮＯＩＳＥＳ|LOUD NOISES",
                "“it’s”|\"it's\"",
                "cafÃ© au lait|café au lait",
                "â€œquotedâ€\u009d|\"quoted\"",
                "schÃƒÂ¶n|schön",
                "РєСЂР°СЃРЅРѕРµ|красное",
                "ÐºÐ¾Ñ‚|кот",
                "ðŸ˜€|😀",
                "«CAFÉ»|«CAFÉ»",
                "CAFÉ»|CAFÉ»",
                "LUNEDÌ»|LUNEDÌ»",
                "СЁМГА|СЁМГА",
                "РУССКИЙ №5|РУССКИЙ №5",
                "a\u001b[31mred\u001b[0m|ared",
            },
            delimiter = '|')
    void faultyTextEqualsFtfy(String text, String expected) {
        assertEquals(expected, FaultyText.fix(text));
    }

    @Test
    void markupSwitchesEntitiesOffForTheLinesBelow() {
        assertEquals("&\n<i>\n&amp;", FaultyText.fix("&amp;\n<i>\n&amp;"));
    }

    /** Results of Python 3.11's {@code str.lower}. */
    @ParameterizedTest
    @CsvSource({
        "ΟΔΥΣΣΕΎΣ, οδυσσεύς",
        "ΑΣ ΑΣΑ Σ, ας ασα σ",
        "ΑΣ.Α, ασ.α",
        "ΑΣ'., ας'.",
        "İSTANBUL, i\u0307stanbul",
        "ẞ, ß"
    })
    void lowerCaseEqualsPython(String text, String expected) {
        assertEquals(expected, LowerCase.of(text));
    }

    @Test
    void theQuickWayEqualsTheThoroughOne() {
        String all = "The QUICK\tbrown <fox> it's 5 | Ёлка ещё РЯБИНА\nсемь";
        for (TextCleanup cleanup : TextCleanup.values()) {
            CleanText quick = cleanup.clean(all);
            assertEquals(
                    cleanup.cleanOdd(all).replaceAll("\\s+", " "),
                    quick.from(0).replaceAll("\\s+", " "),
                    cleanup.name());
        }
    }
}
