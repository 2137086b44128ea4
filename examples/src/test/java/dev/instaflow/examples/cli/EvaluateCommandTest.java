package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluateCommandTest {
    private static final Path PICTURES =
            Path.of("../training/src/test/resources/evaluate").toAbsolutePath().normalize();

    @TempDir Path folder;

    private String out() {
        return folder.resolve("report").toString();
    }

    private JsonNode numbers() throws IOException {
        return new ObjectMapper().readTree(folder.resolve("report/report.json").toFile());
    }

    private static String noto() {
        return PICTURES.resolve("noto").toString();
    }

    @Test
    void writesAReportAndPrintsItsPaths() throws IOException {
        CommandRun run =
                CommandRun.of(
                        "evaluate",
                        "--data",
                        "first=" + noto(),
                        "--model",
                        "ours=bundled",
                        "--captions",
                        "3",
                        "--seeds",
                        "2",
                        "--gap-captions",
                        "0",
                        "--out",
                        out());
        String[] paths = run.succeeded().split("\n");
        assertEquals(2, paths.length);
        assertTrue(Files.size(Path.of(paths[0])) > 10_000);
        assertTrue(run.err().contains("ours, "), run.err());
        assertEquals("first", numbers().at("/collections/0/name").asText());
        assertEquals("ours", numbers().at("/models/0/name").asText());
        assertEquals(3, numbers().path("captions").size());
        assertFalse(numbers().at("/models/0").has("gap"));
        // A second time only when asked to.
        CommandRun.of("evaluate", "--data", noto(), "--model", "bundled", "--out", out())
                .failed(2, "report.html", "--overwrite");
    }

    @Test
    void aConfigurationNamesModelsAndDataRelativeToItself() throws IOException {
        Path config = folder.resolve("evaluate.yaml");
        Files.writeString(
                config,
                """
                data:
                  - %s
                  - {name: second, path: %s}
                models:
                  - bundled
                  - {name: more steps, path: bundled, steps: 2, guidance: 1.5}
                captionFile: names.json
                seeds: 5
                gapCaptions: 0
                gridCaptions: 1
                """
                        .formatted(noto(), PICTURES.resolve("fluent")));
        Files.writeString(folder.resolve("names.json"), "[\"1F34F\", \"1F339\"]");
        CommandRun.of("evaluate", "--config", config.toString(), "--seeds", "1", "--out", out())
                .succeeded();
        assertEquals("second", numbers().at("/collections/1/name").asText());
        assertEquals(2, numbers().at("/models/1/asked/steps").asInt());
        assertEquals(1.5, numbers().at("/models/1/asked/guidance").asDouble());
        assertTrue(numbers().at("/models/1/asked/forced").asBoolean());
        assertEquals(1, numbers().at("/settings/seeds").asInt());
        assertEquals(2, numbers().path("captions").size());
        assertTrue(numbers().at("/models/0/splits/training/styles").isObject());
    }

    @Test
    void badInputIsOneClearError() throws IOException {
        bad(List.of("--data", noto()), "--model");
        bad(List.of("--model", "bundled"), "--data");
        bad(List.of("--data", "no.zip", "--model", "bundled"), "no.zip: no such file");
        bad(List.of("--data", noto(), "--model", "no.ckpt"), "no.ckpt: no such file");
        bad(List.of("--data", noto(), "--model", "a=bundled,stpes=3"), "stpes", "steps");
        bad(List.of("--data", noto(), "--model", "bundled,steps=x"), "steps is \"x\"");
        bad(List.of("--data", noto(), "--model", "bundled,weights=best"), "weights", "ema");
        bad(List.of("--data", noto(), "--model", "bundled", "--captions", "0"), "0 captions");
        Path notZip = Files.writeString(folder.resolve("not.zip"), "x");
        bad(List.of("--data", notZip.toString(), "--model", "bundled"), "not.zip");
        Path notModel = Files.writeString(folder.resolve("not.ckpt"), "x");
        bad(List.of("--data", noto(), "--model", notModel.toString()), "not.ckpt");
        Path names = Files.writeString(folder.resolve("names.txt"), "киви\n");
        bad(
                List.of("--data", noto(), "--model", "bundled", "--caption-file", names.toString()),
                "киви");
    }

    @Test
    void aBadConfigurationIsOneClearError() throws IOException {
        configured("modls: [bundled]", "modls", "models");
        configured("models: bundled", "models should be a list");
        configured("models: [{name: a}]", "no path");
        configured("seeds: many", "seeds should be a whole number");
        configured("[1", "neither YAML nor JSON");
        bad(List.of("--config", "no.yaml"), "no.yaml: no such file");
    }

    private void configured(String yaml, String... words) throws IOException {
        Path config = Files.writeString(folder.resolve("bad.yaml"), yaml);
        bad(List.of("--config", config.toString()), words);
    }

    private void bad(List<String> options, String... words) {
        List<String> all = new ArrayList<>(List.of("evaluate", "--out", out()));
        all.addAll(options);
        CommandRun.of(all.toArray(String[]::new)).failed(2, words);
        assertFalse(Files.exists(folder.resolve("report")));
    }
}
