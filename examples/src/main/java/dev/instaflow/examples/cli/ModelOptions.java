package dev.instaflow.examples.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Which model, and what its files do not say. */
final class ModelOptions {
    @Option(
            names = "--model",
            paramLabel = "FILE|DIR",
            description =
                    "A .ckpt or .safetensors file, or a diffusers folder. Default: the "
                            + "bundled emoji model (254 Russian captions, 64x64 pixels; the "
                            + "command captions lists them).")
    private Optional<Path> model;

    @Option(
            names = "--card",
            paramLabel = "FILE|NAME",
            description =
                    "What the weights were made for: a model card as JSON, or "
                            + "instaflow, 2-rf or sd15. Default: MODEL.json or card.json beside "
                            + "the model, else a guess by its name, else sd15.")
    private Optional<String> card;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "Sizes of the networks: CompVis YAML, or a card with a \"config\". "
                            + "Default: what stands beside the model, else what the tensors tell.")
    private Optional<Path> config;

    @Option(
            names = "--tokenizer",
            paramLabel = "DIR",
            description =
                    "Folder with vocab.json and merges.txt. Default: beside the model, "
                            + "else CLIP's.")
    private Optional<Path> tokenizer;

    @Option(
            names = "--lora",
            paramLabel = "FILE[:STRENGTH]",
            description =
                    "Add a LoRA (of kohya, diffusers or PEFT) to the weights; may be given several "
                            + "times. Default strength: 1.")
    private List<String> loras = List.of();

    ModelChoice choice() throws IOException {
        return new ModelChoice(model, card, config, tokenizer, LoraChoice.parse(loras));
    }
}
