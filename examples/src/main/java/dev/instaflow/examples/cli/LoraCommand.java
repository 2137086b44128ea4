package dev.instaflow.examples.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.checkpoint.convert.Overwrite;
import dev.instaflow.checkpoint.convert.Rewriting;
import dev.instaflow.checkpoint.inspect.FileHash;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.checkpoint.lora.LoraFile;
import dev.instaflow.checkpoint.lora.LoraFormat;
import dev.instaflow.checkpoint.lora.LoraModule;
import dev.instaflow.checkpoint.lora.LoraTargets;
import dev.instaflow.checkpoint.lora.LoraView;
import dev.instaflow.checkpoint.lora.LoraWriter;
import dev.instaflow.checkpoint.lora.UnknownKeys;
import dev.instaflow.train.TrainableSet;
import dev.instaflow.train.lora.AdapterSettings;
import dev.instaflow.train.lora.Extraction;
import dev.instaflow.train.lora.RankRule;
import dev.instaflow.train.recipe.Recipe.Preset;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** All that is done with LoRA files. */
@Command(
        name = "lora",
        description = {
            "Train, merge, extract, convert and look at LoRAs: small files that change a model.",
            "generate --lora FILE:STRENGTH uses them as they are.",
            ""
        })
final class LoraCommand {
    private final Terminal terminal;

    LoraCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Command(
            name = "train",
            description = {
                "The same as the command train with lora.rank 8: trains adapters beside the weights of model.start.",
                "",
                "  instaflow lora train --config my-emoji.yaml --run runs/lora",
                ""
            },
            exitCodeList = {"0:done", "1:failed, or stopped and saved", "2:bad usage or bad input"})
    int train(@Mixin RecipeOptions recipe) throws IOException {
        return recipe.run(terminal, Preset.LORA, List.of());
    }

    @Command(
            name = "merge",
            description = "Write a model with a LoRA added to its weights, in the model's format.")
    int merge(
            @Parameters(paramLabel = "MODEL", description = "A model file or diffusers folder.")
                    Path model,
            @Parameters(paramLabel = "LORA", description = "A LoRA of kohya, diffusers or PEFT.")
                    Path lora,
            @Parameters(paramLabel = "OUT", description = "The result.") Path out,
            @Option(
                            names = "--strength",
                            paramLabel = "S",
                            defaultValue = "1",
                            description =
                                    "1 for what was trained, -1 to take it away again. Default: 1.")
                    float strength,
            @Option(names = "--overwrite", description = "Replace what is at OUT.")
                    boolean overwrite)
            throws IOException {
        requireThere(model, lora);
        try (CompVisView view = CompVisView.open(model, WeightSet.PLAIN);
                LoraFile file = LoraFile.open(lora, LoraTargets.of(view), UnknownKeys.REFUSE)) {
            LoraView merged = LoraView.of(view, file, strength);
            Rewriting.write(
                    view,
                    entry -> merged.find(entry.name()).orElse(entry),
                    out,
                    overwrite ? Overwrite.REPLACE : Overwrite.REFUSE,
                    Map.of("lora.merged", FileHash.named(lora), "lora.strength", "" + strength));
            terminal.say(file.modules().size() + " weights changed");
        }
        terminal.out().println(out);
        return Failure.DONE;
    }

    @Command(
            name = "extract",
            description =
                    "Write what a fine-tune has changed in its base's matrices and kernels as a LoRA.")
    int extract(
            @Parameters(paramLabel = "BASE", description = "What the fine-tune started from.")
                    Path base,
            @Parameters(paramLabel = "FINETUNE", description = "What has learnt more.")
                    Path finetune,
            @Parameters(paramLabel = "OUT", description = "FILE.safetensors") Path out,
            @Option(
                            names = "--rank",
                            paramLabel = "N",
                            defaultValue = "16",
                            description = "Singular values that are kept at most. Default: 16.")
                    int rank,
            @Option(
                            names = "--energy",
                            paramLabel = "SHARE",
                            defaultValue = "1",
                            description =
                                    "Fewer where they keep this share of the change's squares. Default: 1.")
                    double energy,
            @Option(
                            names = "--targets",
                            paramLabel = "SET",
                            defaultValue = "transformers",
                            description =
                                    "attention, transformers, full, unet, text, ... Default: transformers.")
                    String targets,
            @Mixin Format format,
            @Option(names = "--overwrite", description = "Replace what is at OUT.")
                    boolean overwrite)
            throws IOException {
        requireThere(base, finetune);
        requireFree(out, overwrite);
        TrainableSet set =
                switch (targets) {
                    case "attention" -> AdapterSettings.ATTENTION;
                    case "transformers" -> AdapterSettings.TRANSFORMERS;
                    default -> TrainableSet.named(targets);
                };
        List<Extraction.Extracted> changes =
                new Extraction(base, finetune, out, set, new RankRule(rank, energy), format.named())
                        .run();
        double kept = changes.stream().mapToDouble(Extraction.Extracted::kept).average().orElse(0);
        terminal.say(
                String.format(
                        Locale.ROOT,
                        "%d weights, %.1f %% of what changed in them kept on average",
                        changes.size(),
                        100 * kept));
        terminal.out().println(out);
        return Failure.DONE;
    }

    @Command(name = "convert", description = "Write a LoRA with the names of another program.")
    int convert(
            @Parameters(paramLabel = "LORA", description = "Of kohya, diffusers or PEFT.")
                    Path lora,
            @Parameters(paramLabel = "OUT", description = "FILE.safetensors") Path out,
            @Option(
                            names = "--model",
                            paramLabel = "FILE|DIR",
                            required = true,
                            description = "A model that it fits: tells which weight is meant.")
                    Path model,
            @Mixin Format format,
            @Option(names = "--overwrite", description = "Replace what is at OUT.")
                    boolean overwrite)
            throws IOException {
        requireThere(model, lora);
        requireFree(out, overwrite);
        try (CompVisView view = CompVisView.open(model, WeightSet.PLAIN)) {
            LoraTargets targets = LoraTargets.of(view);
            try (LoraFile file = LoraFile.open(lora, targets, UnknownKeys.REFUSE)) {
                Map<String, String> source = Map.of("converted.from", FileHash.named(lora));
                LoraWriter.write(out, format.named(), file.modules(), targets, source);
            }
        }
        terminal.out().println(out);
        return Failure.DONE;
    }

    @Command(name = "inspect", description = "Say what a LoRA changes in a model, and how much.")
    int inspect(
            @Parameters(paramLabel = "LORA", description = "Of kohya, diffusers or PEFT.")
                    Path lora,
            @Option(
                            names = "--model",
                            paramLabel = "FILE|DIR",
                            required = true,
                            description = "A model that it fits: tells which weight is meant.")
                    Path model,
            @Option(names = "--json", description = "For programs.") boolean json)
            throws IOException {
        requireThere(model, lora);
        try (CompVisView view = CompVisView.open(model, WeightSet.PLAIN);
                LoraFile file = LoraFile.open(lora, LoraTargets.of(view), UnknownKeys.IGNORE)) {
            terminal.out().println(json ? asJson(file).toPrettyString() : asText(file));
        }
        return Failure.DONE;
    }

    private static String asText(LoraFile file) {
        StringBuilder text = new StringBuilder();
        text.append(file.path()).append(": changes ").append(file.modules().size());
        text.append(" weights");
        if (!file.ignored().isEmpty()) {
            text.append("; ").append(file.ignored().size()).append(" keys mean nothing here");
        }
        for (LoraModule module : file.modules()) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            "%n  rank %3d  alpha %-6s %s",
                            module.rank(),
                            module.alpha(),
                            module.target()));
        }
        return text.toString();
    }

    private static ObjectNode asJson(LoraFile file) {
        ObjectNode root = new ObjectMapper().createObjectNode();
        root.put("file", file.path().toString());
        for (LoraModule module : file.modules()) {
            ObjectNode of = root.withArray("/modules").addObject();
            of.put("target", module.target());
            of.put("rank", module.rank());
            of.put("alpha", module.alpha());
        }
        file.ignored().forEach(key -> root.withArray("/ignored").add(key));
        return root;
    }

    private static void requireThere(Path... files) throws NoSuchFileException {
        for (Path file : files) {
            if (!Files.exists(file)) {
                throw new NoSuchFileException(file.toString());
            }
        }
    }

    private static void requireFree(Path out, boolean overwrite) throws IOException {
        if (Files.exists(out) && !overwrite) {
            throw new FileAlreadyExistsException(
                    out.toString(), null, "exists; give --overwrite to replace it");
        }
    }

    /** How keys are spelled in what is written. */
    static final class Format {
        @Option(
                names = "--format",
                paramLabel = "NAME",
                defaultValue = "kohya",
                description = "kohya or diffusers. Default: kohya, which most programs read.")
        private LoraFormat format;

        LoraFormat named() {
            return format;
        }
    }
}
