package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.instaflow.pipeline.CancelToken;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole chain on three pictures in two styles and a tiny model. */
class TrainCommandTest {
    private static final Path PICTURES =
            Path.of("../training/src/test/resources/evaluate").toAbsolutePath().normalize();

    private static final String RECIPE =
            """
            threads: 1
            model:
              unet: {model_channels: 32, num_res_blocks: 1}
              text: {width: 64, layers: 1, heads: 2}
            data:
              collections:
                - %s/noto
                - {path: %s/fluent, weight: 2.0}
            batch: 2
            optimizer: {kind: muon}
            learningRate: {rate: 0.01}
            checkpoints: {everySteps: 1}
            progress: {chartSteps: 1, gridSteps: 2, gridCaptions: 2, gridSeeds: 2, samplerSteps: 1}
            export: {dtype: f32, minSteps: 1, maxSteps: 1000, defaultSteps: 2, maxGuidance: 5.0}
            stages:
              - name: vae
                task: autoencoder
                model: {start: bundled}
                trained: vae-decoder
                optimizer: {kind: adamw}
                learningRate: {rate: 1.0e-4}
                steps: 1
              - name: flow
                model: {autoencoder: vae}
                objective:
                  times: [{kind: at, share: 0.45}, {kind: logit-normal, mean: -0.5, share: 0.55}]
                steps: 3
              - name: pairs
                task: pairs
                pairs: {teacher: flow, seeds: 2, steps: 2, guidance: 1.5, shard: 3, batch: 2}
              - name: reflow
                model: {start: flow}
                data: {pairs: pairs, pairShare: 0.5}
                steps: 2
              - name: distill
                model: {start: reflow}
                data: {pairs: pairs}
                objective: {kind: one-step}
                losses: {absolute: 0.5, edges: 0.5, encoder: 0.1}
                steps: 2
              - name: export
                task: export
                model: {start: distill}
                export: {dtype: f16, name: tiny, maxSteps: 1, defaultSteps: 1, maxGuidance: 1.0}
            """
                    .formatted(PICTURES, PICTURES);

    @TempDir Path folder;

    private Path config() throws IOException {
        return Files.writeString(folder.resolve("recipe.yaml"), RECIPE);
    }

    private Path run(String name) {
        return folder.resolve(name);
    }

    private static CommandRun train(Path config, Path run, String... more) {
        List<String> words =
                new ArrayList<>(
                        List.of("train", "--config", config.toString(), "--run", run.toString()));
        words.addAll(List.of(more));
        return CommandRun.of(words.toArray(String[]::new));
    }

    @Test
    void oneCommandMakesAOneStepModel() throws IOException {
        Path config = config();
        Path whole = run("whole");
        CancelToken interrupt = new CancelToken();
        interrupt.cancel();
        CommandRun stopped =
                CommandRun.with(
                        interrupt,
                        "train",
                        "--config",
                        config.toString(),
                        "--run",
                        whole.toString());
        assertEquals(1, stopped.exitCode(), stopped.err());
        assertTrue(stopped.err().contains("the same command goes on"), stopped.err());
        String printed = train(config, whole).succeeded();
        assertEquals(whole.resolve("export/model/model.ckpt").toString(), printed);
        requireFiles(whole);
        // A model as any other: it draws, and in one step only.
        String png = run("x.png").toString();
        CommandRun.of("generate", "--model", printed, "--out", png, "лимон").succeeded();
        CommandRun more = CommandRun.of("generate", "--model", printed, "--steps", "2", "лимон");
        assertTrue(more.exitCode() == 2 && more.err().contains("made for 1 step"), more.err());
        // Finished parts are not touched again.
        FileTime before = Files.getLastModifiedTime(whole.resolve("flow/model/model.ckpt"));
        CommandRun again = train(config, whole);
        assertEquals(printed, again.succeeded());
        assertTrue(again.err().contains("is finished"), again.err());
        assertEquals(before, Files.getLastModifiedTime(whole.resolve("flow/model/model.ckpt")));
    }

    private static void requireFiles(Path run) throws IOException {
        List<String> expected =
                List.of(
                        "config.yaml",
                        "flow/log.csv",
                        "flow/loss.png",
                        "flow/grids/step-000000002.png",
                        "flow/grids/step-000000003.png",
                        "flow/model/card.json",
                        "flow/model/vocab.json",
                        "flow/model/captions.json",
                        "pairs/pairs/pairs-000001.shard",
                        "distill/model/model.ckpt",
                        "export/model/merges.txt");
        for (String file : expected) {
            assertTrue(Files.isRegularFile(run.resolve(file)), file + " is missing");
        }
        try (Stream<Path> kept = Files.list(run.resolve("flow/checkpoints"))) {
            assertEquals(
                    List.of("step-000000002", "step-000000003"),
                    kept.map(path -> path.getFileName().toString()).sorted().toList());
        }
        JsonNode card = json(run.resolve("export/model/card.json"));
        assertEquals("tiny", card.path("name").asText());
        assertEquals(1, card.at("/allowedSteps/max").asInt());
        assertEquals(32, card.at("/config/unet/model_channels").asInt());
        assertEquals(64, card.at("/config/unet/context_dim").asInt());
        JsonNode captions = json(run.resolve("export/model/captions.json"));
        assertEquals(5, captions.path("captions").size());
    }

    private static JsonNode json(Path file) throws IOException {
        return new ObjectMapper().readTree(file.toFile());
    }

    @Test
    void theEffectiveConfigurationIsPrintedAndIsOneItself() throws IOException {
        CommandRun run =
                CommandRun.of(
                        "train",
                        "--config",
                        config().toString(),
                        "--set",
                        "stages.flow.steps=7",
                        "--set",
                        "emaDecay=0.5",
                        "--print-config");
        Path printed = Files.writeString(folder.resolve("printed.yaml"), run.succeeded());
        assertTrue(run.out().contains("emaDecay: 0.5"), run.out());
        assertTrue(run.out().contains("gridCaptions: 2"), run.out());
        assertEquals(
                run.succeeded(),
                CommandRun.of("train", "--config", printed.toString(), "--print-config")
                        .succeeded());
        assertFalse(Files.exists(run("flow")));
    }

    @Test
    void aChangedSettingOfARunIsNamed() throws IOException {
        Path config = Files.writeString(folder.resolve("one.yaml"), single());
        Path run = run("one");
        train(config, run).succeeded();
        train(config, run, "--set", "batch=3").failed(2, "batch", "2", "3");
        train(config, run, "--set", "steps=3").failed(2, "steps", "1", "3", "learning rate");
        train(config, run, "--set", "steps=3", "--allow-change", "learning-rate").succeeded();
        assertEquals(4, Files.readAllLines(run.resolve("log.csv")).size());
        train(config, run, "--allow-change", "seed").failed(2, "seed", "learning-rate");
    }

    private static String single() {
        return """
        threads: 1
        model: {start: bundled}
        trained: cross-attention
        data: {collections: [%s/noto]}
        batch: 2
        steps: 1
        progress: {gridSteps: 0}
        """
                .formatted(PICTURES);
    }

    @Test
    void aBadConfigurationIsOneErrorWithThePathOfItsKey() throws IOException {
        bad("stpes: 3", "stpes: unknown key", "did you mean steps?");
        bad("optimizer: {colour: 3}", "optimizer.colour: unknown key", "beta1");
        bad("steps: many", "steps: is \"many\"", "a whole number");
        bad("steps: 1.5", "steps: is 1.5", "a whole number");
        bad("emaDecay: true", "emaDecay: is true", "a number");
        bad("device: 3", "device: is 3", "a text");
        bad("data: [a]", "data: is [\"a\"]", "a group of keys");
        bad("data: {collections: a}", "data.collections: is \"a\"", "a list");
        bad("stages: [{steps: 3}]", "stages.0", "name");
        bad("stages: [{name: a}, {name: a}]", "stages.1", "name");
        bad("stages: [{name: a, optimizer: {betta1: 1}}]", "stages.a.optimizer.betta1");
        bad("- a", "should have keys and values");
        bad("a: [", "neither YAML nor JSON");
        bad("task: dance", "task: is \"dance\"", "autoencoder, export, pairs, train");
        bad("model: {start: no.ckpt}", "model.start", "no.ckpt", "no such file");
        bad("model: {unet: {colour: 3}}", "model.unet.colour", "channel_mult");
        bad("model: {unet: {model_channels: 33}}", "model.unet or text", "33");
        bad("model: {card: no.json}", "model.card", "no.json");
        bad("steps: 0", "steps: is 0");
        bad("device: toaster", "toaster", "reference");
        bad("data: {collections: [no.zip]}", "data.collections.0.path", "no.zip: no such file");
        bad("data: {collections: [{path: x, splt: all}]}", "data.collections.0.splt", "split");
        bad("data: {pairs: nowhere}", "data.pairs", "nowhere: no such file or folder");
        bad("losses: {latent: 0.0}", "losses.latent", "nothing would be learnt");
        bad("losses: {latent: -1.0}", "losses.latent: is -1.0");
        bad("losses: {lpips: 1.0}", "losses.lpipsFeatures");
        // Found out before the first part begins.
        bad(
                "stages: [{name: a}, {name: b, task: pairs, pairs: {teacher: c}}]",
                "b.pairs.teacher",
                "c");
        bad("stages: [{name: a}, {name: b, memory: lots}]", "stages.b.memory", "lots");
    }

    @Test
    void aBadSettingOfAStepIsOneErrorWithThePathOfItsKey() throws IOException {
        String data = "data: {collections: [%s/noto]}\n".formatted(PICTURES);
        bad(data + "objective: {kind: magic}", "objective.kind", "magic", "k-step");
        bad(data + "objective: {kind: diffusion}", "objective.kind", "flow");
        bad(data + "objective: {labels: best}", "objective.labels", "instaflow");
        bad(data + "objective: {times: []}", "objective.times", "empty");
        bad(data + "objective: {times: [{kind: at, at: 2}]}", "objective.times.0", "2");
        bad(data + "optimizer: {kind: sgd}", "optimizer.kind", "muon");
        bad(data + "optimizer: {beta1: 2}", "optimizer: ", "beta1 2.0");
        bad(data + "learningRate: {rate: 0.0}", "learningRate: ", "0.0");
        bad(data + "learningRate: {fall: down}", "learningRate.fall", "cosine");
        bad(data + "captions: {dropout: 2}", "captions: ", "2.0");
        bad(data + "memory: lots", "memory", "recompute");
        bad(data + "trained: all", "trained", "emojich");
        bad(data + "trained: /(/", "trained", "regular expression");
        bad(data + "export: {minSteps: 5}", "export.defaultSteps", "min <= default");
        bad(data + "lora: {rank: -1}", "lora.rank: is -1");
        bad(data + "lora: {rank: 2, targets: x}", "lora.targets", "\"x\"");
    }

    private void bad(String yaml, String... words) throws IOException {
        Path config = Files.writeString(folder.resolve("bad.yaml"), yaml);
        train(config, run("bad")).failed(2, words);
    }

    @Test
    void badSettingsOfTheCommandLineAreOneError() throws IOException {
        CommandRun.of("train", "--set", "steps").failed(2, "KEY=VALUE");
        CommandRun.of("train", "--set", "steps.a=1").failed(2, "steps");
        CommandRun.of("train", "--set", "stages.a.steps=1").failed(2, "stages");
        CommandRun.of("train").failed(2, "run: no folder");
        CommandRun.of("train", "--config", "no.yaml").failed(2, "no.yaml: no such file");
    }
}
