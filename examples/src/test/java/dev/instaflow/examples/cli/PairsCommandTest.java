package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.pipeline.BundledModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pairs of the bundled model, and what is learnt from them. */
class PairsCommandTest {
    private static final String PICTURES =
            Path.of("../training/src/test/resources/evaluate/noto").toString();

    @TempDir Path folder;

    private String path(String name) {
        return folder.resolve(name).toString();
    }

    private String pairs(String... more) {
        List<String> words =
                new ArrayList<>(
                        List.of(
                                "pairs",
                                "--teacher",
                                "bundled",
                                "--data",
                                PICTURES,
                                "--seeds",
                                "2"));
        words.addAll(List.of("--steps", "2", "--segments", "2", "--run", path("pairs")));
        words.addAll(List.of("--set", "pairs.shard=6", "--threads", "1"));
        words.addAll(List.of(more));
        return CommandRun.of(words.toArray(String[]::new)).succeeded();
    }

    @Test
    void pairsAreMadeOnceAndStudentsOfOneAndTwoStepsLearnFromThem() throws IOException {
        Path made = Path.of(pairs());
        assertEquals(folder.resolve("pairs/pairs"), made);
        Path shard = made.resolve("pairs-000000.shard");
        FileTime before = Files.getLastModifiedTime(shard);
        pairs();
        assertEquals(before, Files.getLastModifiedTime(shard));

        List<String> distill =
                List.of(
                        "distill",
                        "--pairs",
                        path("pairs"),
                        "--start",
                        "bundled",
                        "--threads",
                        "1");
        List<String> words = new ArrayList<>(distill);
        words.addAll(List.of("--run", path("student"), "--set", "batch=2"));
        words.addAll(List.of("--set", "stages.latent.steps=1", "--set", "stages.pictures.steps=1"));
        String student = CommandRun.of(words.toArray(String[]::new)).succeeded();
        assertEquals(path("student/pictures/model/model.ckpt"), student);
        // No collections were named: the captions are still those of the start.
        assertTrue(Files.size(folder.resolve("student/pictures/model/captions.json")) > 10_000);

        Path config = folder.resolve("two.yaml");
        Files.writeString(
                config,
                """
                run: two
                threads: 1
                model: {start: bundled}
                data: {pairs: pairs}
                objective: {kind: k-step, steps: 2}
                memory: recompute
                batch: 2
                passes: 2
                steps: 1
                """);
        CommandRun.of("train", "--config", config.toString()).succeeded();
        CommandRun.of(
                        "train",
                        "--config",
                        config.toString(),
                        "--set",
                        "objective.steps=3",
                        "--run",
                        path("three"))
                .failed(2, "distillation to 3 steps", "pairs of 3 segments");
    }

    @Test
    void aModelThatPredictsNoiseIsTrainedOnNoise() throws IOException {
        Path model = BundledModel.copyTo(Files.createDirectory(folder.resolve("eps")));
        ObjectMapper mapper = new ObjectMapper();
        Path card = folder.resolve("eps/card.json");
        ObjectNode root = (ObjectNode) mapper.readTree(card.toFile());
        root.put("prediction", "epsilon");
        mapper.writeValue(card.toFile(), root);
        Path config = folder.resolve("eps.yaml");
        Files.writeString(
                config,
                """
                threads: 1
                model: {start: %s}
                data: {collections: [%s]}
                objective: {kind: diffusion}
                trained: text
                batch: 2
                steps: 1
                progress: {samplerSteps: 2, gridCaptions: 1, gridSeeds: 1}
                """
                        .formatted(model, Path.of(PICTURES).toAbsolutePath()));
        CommandRun.of("train", "--config", config.toString(), "--run", path("run")).succeeded();
        CommandRun.of(
                        "train",
                        "--config",
                        config.toString(),
                        "--run",
                        path("b"),
                        "--set",
                        "objective.kind=flow")
                .failed(2, "objective.kind", "predicts epsilon");
    }

    @Test
    void badInputIsOneClearError() {
        CommandRun.of("pairs", "--run", path("x")).failed(2, "pairs.teacher", "names no model");
        CommandRun.of("pairs", "--run", path("x"), "--teacher", "bundled")
                .failed(2, "data.collections", "no captions");
        CommandRun.of("pairs", "--run", path("x"), "--teacher", "no.ckpt").failed(2, "no.ckpt");
        CommandRun.of("pairs", "--run", path("x"), "--sampler", "magic").failed(2, "magic", "rk45");
        CommandRun.of("pairs", "--run", path("x"), "--seeds", "0").failed(2, "pairs.seeds: is 0");
        CommandRun.of("distill", "--run", path("x"), "--pairs", path("y"))
                .failed(2, "data.pairs", "y");
        CommandRun.of("distill", "--run", path("x"), "--start", "bundled")
                .failed(2, "data.collections", "no pairs");
    }
}
