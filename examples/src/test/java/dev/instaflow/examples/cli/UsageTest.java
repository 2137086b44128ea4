package dev.instaflow.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UsageTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "generate",
                "regenerate",
                "captions",
                "inspect",
                "convert",
                "tokenize",
                "train",
                "pairs",
                "distill",
                "transplant",
                "lora",
                "evaluate",
                "doctor"
            })
    void everyCommandHasHelpWithExitCodes(String command) {
        CommandRun run = CommandRun.of(command, "--help");
        String help = run.succeeded();
        assertEquals("", run.err());
        assertTrue(help.startsWith("Usage: instaflow " + command), help);
        assertTrue(help.contains("Exit codes:"), help);
        assertTrue(CommandRun.of("--help").succeeded().contains("  " + command + " "));
    }

    @Test
    void generateHelpNamesAllOptionsAndSamplers() {
        String help = CommandRun.of("generate", "--help").succeeded();
        String options =
                "--model --card --config --tokenizer --steps --guidance --negative --sampler "
                        + "--width"
                        + " --height --batch --seed --noise-source --noise --save-latents"
                        + " --init-image --strength --mask --device --threads --low-memory --ema --force --out"
                        + " --timings rf-euler dpmpp-2m torch-cuda";
        for (String option : options.split(" ")) {
            assertTrue(help.contains(option), option + " is not in: " + help);
        }
    }

    @Test
    void missingCommandIsBadUsage() {
        CommandRun.of().failed(2, "instaflow: ", "subcommand", "--help");
    }

    @Test
    void unknownCommandIsBadUsage() {
        CommandRun.of("genrate", "x").failed(2, "genrate", "did you mean", "generate");
    }

    @Test
    void misspeltOptionIsBadUsageWithASuggestion() {
        CommandRun.of("generate", "x", "--stpes", "3").failed(2, "'--stpes'", "--steps");
    }

    @Test
    void missingPromptIsBadUsage() {
        CommandRun.of("generate", "--steps", "1").failed(2, "instaflow generate: ", "PROMPT");
    }

    @Test
    void valuesOfTheWrongKindAreBadUsage() {
        CommandRun.of("generate", "x", "--steps", "many").failed(2, "--steps", "many");
        CommandRun.of("generate", "x", "--sampler", "magic")
                .failed(2, "unknown sampler \"magic\"", "rf-euler");
        CommandRun.of("generate", "x", "--noise-source", "dice")
                .failed(2, "unknown noise source \"dice\"", "torch-cpu");
        CommandRun.of("generate", "x", "--device", "toaster").failed(2, "toaster", "reference");
        CommandRun.of("generate", "x", "--width", "0").failed(2, "--width 0");
        CommandRun.of("generate", "x", "--threads", "0").failed(2, "--threads 0");
        CommandRun.of("generate", "x", "--device", "reference", "--threads", "2")
                .failed(2, "--threads", "reference");
    }

    @Test
    void optionsThatNeedOthersSaySo() {
        CommandRun.of("generate", "x", "--strength", "0.5").failed(2, "--init-image");
        CommandRun.of("generate", "x", "--mask", "m.png").failed(2, "--mask", "--init-image");
        CommandRun.of("generate", "x", "--card", "sd15").failed(2, "--card", "--model");
    }

    @Test
    void aDeviceThatIsNotThereIsAFailure() {
        CommandRun.of("generate", "x", "--device", "cuda:99").failed(1, "cuda:99 cannot be used");
    }

    @Test
    void missingFilesAreBadInput() {
        CommandRun.of("generate", "x", "--model", "no.ckpt").failed(2, "no.ckpt: no such file");
        CommandRun.of("generate", "x", "--noise", "no.npy").failed(2, "no.npy: no such file");
        CommandRun.of("generate", "x", "--init-image", "no.png").failed(2, "no.png: no such file");
        CommandRun.of("regenerate", "no.png").failed(2, "no.png: no such file");
        CommandRun.of("inspect", "no.ckpt").failed(2, "no.ckpt: no such file");
        CommandRun.of("convert", "no.ckpt", "out.ckpt").failed(2, "no.ckpt: no such file");
        CommandRun.of("tokenize", "--tokenizer", "no", "x").failed(2, "no");
    }

    @Test
    void debugPrintsTheStackTrace() {
        CommandRun run = CommandRun.of("inspect", "no.ckpt", "--debug");
        assertEquals(2, run.exitCode());
        assertTrue(run.err().contains("\tat dev.instaflow"), run.err());
    }

    @Test
    void aPromptMayBeginWithAnAtSign() {
        // Not taken for a file of arguments; it fails later, on the sampler.
        CommandRun.of("generate", "@home", "--sampler", "magic").failed(2, "magic");
    }
}
