package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.pipeline.BundledModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A LoRA is trained on three pictures, merged, extracted again, converted; its change is transplanted. */
class LoraCommandTest {
    private static final Path PICTURES =
            Path.of("../training/src/test/resources/evaluate").toAbsolutePath().normalize();
    private static final String WEIGHT =
            "model.diffusion_model.middle_block.1.transformer_blocks.0.attn2.to_k.weight";

    @TempDir static Path folder;
    private static Path model;
    private static Path lora;

    @BeforeAll
    static void train() throws IOException {
        model = BundledModel.copyTo(Files.createDirectory(folder.resolve("bundled")));
        Path config = folder.resolve("lora.yaml");
        Files.writeString(
                config,
                """
                run: run
                threads: 1
                model: {start: bundled/model.ckpt}
                data: {collections: [%s/noto]}
                batch: 2
                steps: 3
                lora: {rank: 2}
                learningRate: {rate: 0.05, warmup: 0}
                progress: {gridCaptions: 1, gridSeeds: 1}
                export: {weights: plain, dtype: f32}
                """
                        .formatted(PICTURES));
        CommandRun run = CommandRun.of("lora", "train", "--config", config.toString());
        lora = Path.of(run.succeeded());
        assertEquals(folder.resolve("run/model/lora.safetensors"), lora);
        assertTrue(Files.exists(folder.resolve("run/grids/step-000000003.png")));
    }

    private static String path(String name) {
        return folder.resolve(name).toString();
    }

    @Test
    void aTrainedLoraIsUsedAndSaysWhatItChanges() throws IOException {
        CommandRun inspected =
                CommandRun.of("lora", "inspect", lora.toString(), "--model", model.toString());
        assertTrue(inspected.succeeded().contains(WEIGHT), inspected.out());
        assertTrue(inspected.out().contains("rank   2"), inspected.out());
        CommandRun.of(
                        "generate",
                        "--model",
                        model.toString(),
                        "--lora",
                        lora.toString(),
                        "--out",
                        path("x.png"),
                        "лимон")
                .succeeded();
    }

    @Test
    void whatIsMergedIsExtractedAgain() throws IOException {
        String merged = path("merged.ckpt");
        CommandRun.of("lora", "merge", model.toString(), lora.toString(), merged).succeeded();
        assertTrue(difference(model, Path.of(merged)) > 1e-4);
        CommandRun.of("lora", "merge", model.toString(), lora.toString(), merged)
                .failed(2, "merged.ckpt", "exists");
        String extracted = path("extracted.safetensors");
        CommandRun run =
                CommandRun.of(
                        "lora",
                        "extract",
                        model.toString(),
                        merged,
                        extracted,
                        "--rank",
                        "16",
                        "--targets",
                        "attention");
        assertEquals(extracted, run.succeeded());
        String again = path("again.ckpt");
        CommandRun.of("lora", "merge", model.toString(), extracted, again).succeeded();
        // Of the two roundings to F16 and the rank.
        assertEquals(0, difference(Path.of(merged), Path.of(again)), 2e-3);
        String converted = path("converted.safetensors");
        CommandRun.of(
                        "lora",
                        "convert",
                        lora.toString(),
                        converted,
                        "--model",
                        model.toString(),
                        "--format",
                        "diffusers")
                .succeeded();
        try (Checkpoint file = Checkpoint.open(Path.of(converted))) {
            assertTrue(file.entries().stream().anyMatch(e -> e.name().contains("lora_A")));
        }
    }

    @Test
    void aChangeIsTransplanted() throws IOException {
        String merged = path("finetune.ckpt");
        CommandRun.of("lora", "merge", model.toString(), lora.toString(), merged).succeeded();
        List<String> words =
                List.of(
                        "transplant",
                        "--receiver",
                        model.toString(),
                        "--base",
                        model.toString(),
                        "--finetune",
                        merged,
                        "--out",
                        path("transplanted.ckpt"));
        CommandRun run = CommandRun.of(words.toArray(String[]::new));
        assertEquals(path("transplanted.ckpt"), run.succeeded());
        assertTrue(run.err().contains("middle_block"), run.err());
        assertEquals(0, difference(Path.of(merged), folder.resolve("transplanted.ckpt")), 0);
        CommandRun.of(words.toArray(String[]::new)).failed(2, "transplanted.ckpt", "exists");
        List<String> none = new ArrayList<>(words);
        none.set(8, path("none.ckpt"));
        none.addAll(List.of("--alpha", "0", "--block-alpha", "\\.attn1\\.=1"));
        CommandRun.of(none.toArray(String[]::new)).succeeded();
        assertEquals(0, difference(model, folder.resolve("none.ckpt")), 0);
    }

    /** The largest difference in one of the weights. */
    private static double difference(Path a, Path b) throws IOException {
        float[] first = values(a);
        float[] second = values(b);
        double most = 0;
        for (int i = 0; i < first.length; i++) {
            most = Math.max(most, Math.abs(first[i] - second[i]));
        }
        return most;
    }

    private static float[] values(Path file) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(file)) {
            Entry entry = checkpoint.find(WEIGHT).orElseThrow();
            float[] values = new float[Math.toIntExact(entry.count())];
            entry.readFloats(0, values, 0, values.length);
            return values;
        }
    }

    @Test
    void badInputIsOneClearError() {
        CommandRun.of("lora").failed(2, "instaflow lora", "subcommand");
        CommandRun.of("lora", "merge", "no.ckpt", "x", "y").failed(2, "no.ckpt: no such file");
        CommandRun.of("lora", "train", "--set", "lora.rnk=2").failed(2, "lora.rnk", "rank");
        String m = model.toString();
        CommandRun.of("lora", "extract", m, m, path("z.safetensors"))
                .failed(2, "nothing to extract");
        CommandRun.of("lora", "extract", m, m, path("z"), "--targets", "all").failed(2, "emojich");
        assertEquals(2, CommandRun.of("lora", "inspect", m, "--model", m).exitCode());
        CommandRun.of("transplant", "--receiver", m).failed(2, "--base");
        CommandRun.of(
                        "transplant",
                        "--receiver",
                        m,
                        "--base",
                        m,
                        "--finetune",
                        m,
                        "--out",
                        path("t.ckpt"),
                        "--block-alpha",
                        "x")
                .failed(2, "--block-alpha x", "REGEX=NUMBER");
    }
}
