package dev.instaflow.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.examples.FileServer.Manner;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The download of the data set, against a server on loopback. */
class EmojiDatasetScriptTest {
    private static final String NAME = "download_emoji_dataset.sh";
    private static final String PATH =
            "/api/v1/datasets/download/shonenkov/russian-emoji?datasetVersionNumber=6";
    private static final List<String> LAYOUT =
            List.of("images/1.png", "rgba_train/1.png", "rgba_valid/2.png", "marking.csv");
    private static final Map<String, String> ACCOUNT =
            Map.of("KAGGLE_USERNAME", "somebody", "KAGGLE_KEY", "0123abcd");

    @TempDir Path home;
    private FileServer server;
    private Path dataset;
    private Script script;

    @BeforeAll
    static void needsBashCurlAndUnzip() {
        Script.assumeInstalled("bash", "curl", "unzip");
    }

    @BeforeEach
    void startServer() throws IOException {
        server = new FileServer();
        dataset = home.resolve("emoji set");
        script = Script.ofRepository(NAME, home);
        server.serve(PATH, zip(LAYOUT));
    }

    @AfterEach
    void stopServer() {
        server.close();
    }

    @Test
    void helpAndBadUsageAreToldApart() throws Exception {
        Script.Outcome help = script.run("-h");
        help.assertSucceeded();
        assertTrue(help.out().contains("KAGGLE_USERNAME"), help.out());
        script.run("-x").assertFailed(2, "unknown option -x");
        script.run("more").assertFailed(2, "unexpected argument");
    }

    @Test
    void unpacksTheLayoutAndRemovesTheArchive() throws Exception {
        download().assertSucceeded();
        for (String name : LAYOUT) {
            assertEquals(name, Files.readString(dataset.resolve(name)));
        }
        assertNothingBesideTheDataset();
    }

    @Test
    void sendsTheCredentialsOfTheEnvironment() throws Exception {
        download().assertSucceeded();
        assertEquals(basic("somebody:0123abcd"), server.requests().get(0).authorization());
    }

    @Test
    void sendsTheCredentialsOfTheFile() throws Exception {
        Path file = Files.createDirectories(home.resolve(".kaggle")).resolve("kaggle.json");
        Files.writeString(file, "{\"username\":\"other\",\"key\": \"ff00\"}");
        downloadWith(Map.of()).assertSucceeded();
        assertEquals(basic("other:ff00"), server.requests().get(0).authorization());
    }

    @Test
    void missingCredentialsAreNamedBeforeAnyRequest() throws Exception {
        downloadWith(Map.of())
                .assertFailed(1, "no Kaggle credentials", "KAGGLE_KEY", "kaggle.json");
        assertEquals(List.of(), server.requests());
    }

    @Test
    void credentialsFileWithoutKeyIsNamed() throws Exception {
        Path file = Files.createDirectories(home.resolve(".kaggle")).resolve("kaggle.json");
        Files.writeString(file, "{\"username\":\"other\"}");
        downloadWith(Map.of()).assertFailed(1, "kaggle.json", "\"key\"");
    }

    @Test
    void keyIsNotSentOverPlainHttpToAnotherMachine() throws Exception {
        for (String base : List.of("http://example.org", "http://127.0.0.1.example.org")) {
            script.runWith(ACCOUNT, "-b", base).assertFailed(2, "https://");
        }
    }

    @Test
    void finishedDatasetNeedsNeitherCredentialsNorServer() throws Exception {
        download().assertSucceeded();
        server.forgetRequests();
        downloadWith(Map.of()).assertSucceeded();
        assertEquals(List.of(), server.requests());
    }

    @Test
    void brokenTransferIsResumed() throws Exception {
        server.serve(PATH, zip(LAYOUT), Manner.BREAKS_OFF_ONCE);
        download().assertSucceeded();
        assertTrue(Files.exists(dataset.resolve("marking.csv")));
        assertTrue(server.requests().get(1).range().startsWith("bytes="));
        assertEquals(basic("somebody:0123abcd"), server.requests().get(1).authorization());
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 404})
    void refusalIsNamed(int status) throws Exception {
        server.refuse(PATH, status);
        download().assertFailed(1, String.valueOf(status));
        assertNothingBesideTheDataset();
    }

    @Test
    void loginPageIsNotTakenForTheArchive() throws Exception {
        server.serveAs("text/html", PATH, "<html>Sign in</html>");
        download().assertFailed(1, "is a web page");
        assertNothingBesideTheDataset();
    }

    @Test
    void damagedArchiveIsDeletedAndReported() throws Exception {
        byte[] damaged = zip(LAYOUT);
        server.serve(PATH, Arrays.copyOf(damaged, damaged.length - 30));
        download().assertFailed(1, "not a sound zip", "again");
        assertNothingBesideTheDataset();
    }

    @Test
    void archiveWithoutAPartOfTheLayoutIsRefused() throws Exception {
        server.serve(PATH, zip(LAYOUT.subList(0, 3)));
        download().assertFailed(1, "marking.csv");
        assertFalse(Files.exists(dataset));
    }

    @Test
    void folderWithOtherThingsIsNotTouched() throws Exception {
        Files.createDirectories(dataset);
        Files.writeString(dataset.resolve("mine.txt"), "mine");
        download().assertFailed(1, "something other", "-d");
        assertEquals("mine", Files.readString(dataset.resolve("mine.txt")));
    }

    @Test
    void missingUnzipIsNamed() throws Exception {
        Path bin = Script.folderWith(home.resolve("bin"), "bash", "curl");
        script.runWith(Map.of("PATH", bin.toString())).assertFailed(1, "unzip is not installed");
    }

    private Script.Outcome download() throws Exception {
        return downloadWith(ACCOUNT);
    }

    private Script.Outcome downloadWith(Map<String, String> variables) throws Exception {
        return script.runWith(variables, "-b", server.baseUrl(), "-d", dataset.toString());
    }

    private void assertNothingBesideTheDataset() {
        for (String suffix : List.of(".zip", ".zip.part", ".unpack")) {
            assertFalse(Files.exists(Path.of(dataset + suffix)), suffix);
        }
    }

    private static String basic(String account) {
        byte[] bytes = account.getBytes(StandardCharsets.UTF_8);
        return "Basic " + Base64.getEncoder().encodeToString(bytes);
    }

    /** Files that hold their own names. */
    private static byte[] zip(List<String> names) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (String name : names) {
                zip.putNextEntry(new ZipEntry(name));
                zip.write(name.getBytes(StandardCharsets.UTF_8));
            }
        }
        return bytes.toByteArray();
    }
}
