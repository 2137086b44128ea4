package dev.instaflow.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.examples.FileServer.Manner;
import dev.instaflow.examples.FileServer.Request;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The download of weights, against a server on loopback. The real table names gigabytes, so most tests run a copy of
 * the script whose table names small files; what surrounds the table is the script as shipped.
 */
class DownloadScriptsTest {
    private static final String NAME = "download_stable_diffusion_files.sh";
    private static final byte[] WEIGHTS = randomBytes(200_003, 1);
    private static final byte[] WORDS = randomBytes(1_009, 2);

    @TempDir Path home;
    private FileServer server;
    private Path downloads;

    @BeforeAll
    static void needsBashAndCurl() {
        Script.assumeInstalled("bash", "curl", "sha256sum");
    }

    @BeforeEach
    void startServer() throws IOException {
        server = new FileServer();
        downloads = home.resolve("with space/weights");
        server.serve("/repo/words", WORDS);
        server.serve("/repo/weights", WEIGHTS);
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    @Test
    void helpNamesEveryOptionAndExitCode() throws Exception {
        Script.Outcome help = Script.ofRepository(NAME, home).run("-h");
        help.assertSucceeded();
        for (String word :
                List.of("-i ", "-f ", "-o ", "-d DIR", "-b BASE_URL", "0 all", "1 failed")) {
            assertTrue(help.out().contains(word), word + " is not in: " + help.out());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'', say which files",
        "-x, unknown option -x",
        "-i -d, -d needs a value",
        "-i more, unexpected argument",
        "-i -b ftp://127.0.0.1, http"
    })
    void badUsageEndsWithExitCodeTwo(String arguments, String message) throws Exception {
        String[] words = arguments.isEmpty() ? new String[0] : arguments.split(" ");
        Script.ofRepository(NAME, home).run(words).assertFailed(2, message, "-h");
    }

    @Test
    void fetchesTheSetsAskedForAndNoOther() throws Exception {
        Script script = withTable("io - - repo/words a/words", "f - - repo/weights weights");
        download(script, "-i").assertSucceeded();
        assertArrayEquals(WORDS, Files.readAllBytes(downloads.resolve("a/words")));
        assertFalse(Files.exists(downloads.resolve("weights")));
        download(script, "-i", "-f").assertSucceeded();
        assertArrayEquals(WEIGHTS, Files.readAllBytes(downloads.resolve("weights")));
        assertFalse(Files.exists(downloads.resolve("weights.part")));
    }

    @Test
    void finishedFilesAreNotAskedForAgain() throws Exception {
        Script script = withTable("i " + WORDS.length + " - repo/words words");
        download(script, "-i").assertSucceeded();
        server.forgetRequests();
        download(script, "-i").assertSucceeded();
        assertEquals(List.of(), server.requests());
    }

    @Test
    void brokenTransferIsResumedWithinTheRun() throws Exception {
        server.serve("/repo/weights", WEIGHTS, Manner.BREAKS_OFF_ONCE);
        Script script =
                withTable("i " + WEIGHTS.length + " " + sha256(WEIGHTS) + " repo/weights w");
        download(script, "-i").assertSucceeded();
        assertArrayEquals(WEIGHTS, Files.readAllBytes(downloads.resolve("w")));
        assertEquals(2, server.requests().size());
        assertNull(server.requests().get(0).range());
        assertEquals("bytes=" + WEIGHTS.length / 2 + "-", server.requests().get(1).range());
    }

    @ParameterizedTest
    @ValueSource(strings = {"200003", "-"})
    void brokenRunIsResumedByTheNextRun(String bytes) throws Exception {
        server.serve("/repo/weights", WEIGHTS, Manner.BREAKS_OFF_ALWAYS);
        Script script = withTable("i " + bytes + " - repo/weights w");
        download(script, "-i").assertFailed(1, "broke off at " + WEIGHTS.length / 2, "again");
        assertFalse(Files.exists(downloads.resolve("w")));
        assertEquals(WEIGHTS.length / 2, Files.size(downloads.resolve("w.part")));

        server.forgetRequests();
        server.serve("/repo/weights", WEIGHTS);
        download(script, "-i").assertSucceeded();
        assertArrayEquals(WEIGHTS, Files.readAllBytes(downloads.resolve("w")));
        assertEquals(
                List.of("bytes=" + WEIGHTS.length / 2 + "-"),
                server.requests().stream().map(Request::range).toList());
    }

    @Test
    void serverWithoutRangesIsAskedFromTheStart() throws Exception {
        server.serve("/repo/weights", WEIGHTS, Manner.WHOLE_ONLY);
        writePart("w", Arrays.copyOf(WEIGHTS, 77));
        download(withTable("i - - repo/weights w"), "-i").assertSucceeded();
        assertArrayEquals(WEIGHTS, Files.readAllBytes(downloads.resolve("w")));
    }

    @Test
    void completePartOfUnknownSizeIsNotFetchedAgain() throws Exception {
        writePart("w", WEIGHTS);
        download(withTable("i - - repo/weights w"), "-i").assertSucceeded();
        assertArrayEquals(WEIGHTS, Files.readAllBytes(downloads.resolve("w")));
        assertEquals(1, server.requests().size());
    }

    @Test
    void completePartOfKnownSizeNeedsNoServer() throws Exception {
        writePart("w", WEIGHTS);
        Script script = withTable("i " + WEIGHTS.length + " " + sha256(WEIGHTS) + " repo/none w");
        download(script, "-i").assertSucceeded();
        assertEquals(List.of(), server.requests());
    }

    @ParameterizedTest
    @ValueSource(strings = {"200003", "-"})
    void partThatIsTooLongIsThrownAway(String bytes) throws Exception {
        writePart("w", Arrays.copyOf(WEIGHTS, WEIGHTS.length + 5));
        download(withTable("i " + bytes + " - repo/weights w"), "-i").assertSucceeded();
        assertArrayEquals(WEIGHTS, Files.readAllBytes(downloads.resolve("w")));
    }

    @ParameterizedTest
    @CsvSource({"401, not logged in", "403, forbidden", "404, not found", "503, try again later"})
    void refusalIsNamedAndLeavesNothing(int status, String meaning) throws Exception {
        server.refuse("/repo/weights", status);
        download(withTable("i - - repo/weights w"), "-i")
                .assertFailed(1, "/repo/weights", String.valueOf(status), meaning);
        assertNothingWasLeft("w");
    }

    @Test
    void refusalKeepsAnEarlierPart() throws Exception {
        server.refuse("/repo/weights", 403);
        writePart("w", Arrays.copyOf(WEIGHTS, 77));
        download(withTable("i - - repo/weights w"), "-i").assertFailed(1, "403");
        assertEquals(77, Files.size(downloads.resolve("w.part")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/html; charset=utf-8", "application/octet-stream"})
    void webPageIsNotTakenForTheFile(String contentType) throws Exception {
        server.serveAs(contentType, "/repo/weights", "\n <!DOCTYPE HTML><title>Log in</title>");
        download(withTable("i - - repo/weights w"), "-i").assertFailed(1, "is a web page");
        assertNothingWasLeft("w");
    }

    @Test
    void gitLfsPointerIsNotTakenForTheFile() throws Exception {
        String pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
        server.serveAs("text/plain", "/repo/weights", pointer);
        download(withTable("i - - repo/weights w"), "-i").assertFailed(1, "Git-LFS pointer");
        assertNothingWasLeft("w");
    }

    @Test
    void emptyFileIsRefused() throws Exception {
        server.serve("/repo/weights", new byte[0]);
        download(withTable("i - - repo/weights w"), "-i").assertFailed(1, "is empty");
        assertNothingWasLeft("w");
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 1})
    void wrongSizeIsRefusedWithBothNumbers(int off) throws Exception {
        int expected = WEIGHTS.length + off;
        download(withTable("i " + expected + " - repo/weights w"), "-i")
                .assertFailed(1, "has " + WEIGHTS.length, "expected " + expected);
        assertNothingWasLeft("w");
    }

    @Test
    void wrongChecksumIsRefusedWithBothValues() throws Exception {
        String expected = "0".repeat(64);
        download(withTable("i - " + expected + " repo/weights w"), "-i")
                .assertFailed(1, "SHA-256 " + sha256(WEIGHTS), "expected " + expected);
        assertNothingWasLeft("w");
    }

    @Test
    void finishedFileOfTheWrongSizeIsReportedAndKept() throws Exception {
        Files.createDirectories(downloads);
        Files.write(downloads.resolve("w"), new byte[3]);
        download(withTable("i " + WEIGHTS.length + " - repo/weights w"), "-i")
                .assertFailed(1, "has 3 bytes", "delete it");
        assertEquals(3, Files.size(downloads.resolve("w")));
    }

    @Test
    void unreachableServerIsOneClearLine() throws Exception {
        int closedPort;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closedPort = socket.getLocalPort();
        }
        Script.ofRepository(NAME, home)
                .run("-i", "-b", "http://127.0.0.1:" + closedPort)
                .assertFailed(1, "cannot reach", "-b");
    }

    @Test
    void missingCurlIsNamed() throws Exception {
        Path bin = Script.folderWith(home.resolve("bin"), "bash");
        Script.ofRepository(NAME, home)
                .runWith(Map.of("PATH", bin.toString()), "-i", "-b", server.baseUrl())
                .assertFailed(1, "curl is not installed");
    }

    @Test
    void shippedTableAsksForTheKnownPathsAndSizes() throws Exception {
        Script script = Script.ofRepository(NAME, home);
        download(script, "-o").assertFailed(1, "404");
        String instaFlow = "/XCLiu/instaflow_0_9B_from_sd_1_5/resolve/";
        assertTrue(server.requests().get(0).path().startsWith(instaFlow));

        String vocabulary =
                "/stable-diffusion-v1-5/stable-diffusion-v1-5/resolve/main/tokenizer/vocab.json";
        server.serve(vocabulary, WORDS);
        download(script, "-f").assertFailed(1, "has 1009 bytes", "expected 1059962");
    }

    @Test
    void everyRowOfTheShippedTableHasFiveSoundFields() throws IOException {
        List<String[]> rows =
                Files.readString(Script.repository().resolve(NAME))
                        .lines()
                        .filter(line -> line.matches("[ifo]+ .*"))
                        .map(line -> line.split(" "))
                        .toList();
        assertEquals(14, rows.size());
        for (String[] row : rows) {
            String text = String.join(" ", row);
            assertEquals(5, row.length, text);
            assertTrue(row[1].matches("-|[1-9][0-9]*"), text);
            assertTrue(row[2].matches("-|[0-9a-f]{64}"), text);
            assertTrue(row[3].matches("[\\w.-]+/[\\w.-]+/resolve/[\\w./-]+"), text);
            assertTrue(row[3].endsWith(row[4].substring(row[4].lastIndexOf('/') + 1)), text);
        }
        assertEquals(rows.size(), rows.stream().map(row -> row[4]).distinct().count());
    }

    private Script.Outcome download(Script script, String... sets) throws Exception {
        String[] arguments = Arrays.copyOf(sets, sets.length + 4);
        arguments[sets.length] = "-b";
        arguments[sets.length + 1] = server.baseUrl() + "/";
        arguments[sets.length + 2] = "-d";
        arguments[sets.length + 3] = downloads.toString();
        return script.run(arguments);
    }

    /** A copy of the script, and of what it sources, with another table. */
    private Script withTable(String... rows) throws IOException {
        Path copy = Files.createDirectories(home.resolve("checkout"));
        Path library = Files.createDirectories(copy.resolve("scripts")).resolve("fetch.bash");
        Files.write(library, Files.readAllBytes(Script.repository().resolve("scripts/fetch.bash")));
        String shipped = Files.readString(Script.repository().resolve(NAME));
        int begin = shipped.indexOf("# table begins\n");
        int end = shipped.indexOf("# table ends\n");
        assertTrue(begin > 0 && end > begin, "the marks around the table are gone");
        String table = "FILES='\n" + String.join("\n", rows) + "\n'\n";
        String changed = shipped.substring(0, begin) + table + shipped.substring(end);
        return new Script(Files.writeString(copy.resolve(NAME), changed), home);
    }

    private void writePart(String name, byte[] bytes) throws IOException {
        Files.createDirectories(downloads);
        Files.write(downloads.resolve(name + ".part"), bytes);
    }

    private void assertNothingWasLeft(String name) {
        assertFalse(Files.exists(downloads.resolve(name)), name);
        assertFalse(Files.exists(downloads.resolve(name + ".part")), name + ".part");
    }

    private static byte[] randomBytes(int count, long seed) {
        byte[] bytes = new byte[count];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
