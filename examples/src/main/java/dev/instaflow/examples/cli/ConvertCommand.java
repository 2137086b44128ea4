package dev.instaflow.examples.cli;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.convert.Conversion;
import dev.instaflow.checkpoint.convert.ConversionResult;
import dev.instaflow.checkpoint.convert.Converter;
import dev.instaflow.checkpoint.convert.NetworkSettings;
import dev.instaflow.checkpoint.convert.Overwrite;
import dev.instaflow.checkpoint.convert.Target;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.model.ModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes a model in another form. */
@Command(
        name = "convert",
        description = {
            "Write a model as .ckpt, .safetensors or a diffusers folder, in f32, f16 or bf16.",
            "The result appears whole or not at all."
        })
final class ConvertCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Parameters(index = "0", paramLabel = "IN", description = "A model file or diffusers folder.")
    private Path input;

    @Parameters(
            index = "1",
            paramLabel = "OUT",
            description = "FILE.ckpt, FILE.safetensors, or a folder for diffusers.")
    private Path output;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description =
                    "f32, f16 or bf16, rounded to nearest even. Default: each tensor as it is.")
    private Optional<DType> dtype;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            description = "ckpt, safetensors or diffusers. Default: by the ending of OUT.")
    private Optional<Target> format;

    @Option(
            names = "--config",
            paramLabel = "FILE.yaml",
            description =
                    "Sizes that the tensors do not tell, such as the attention heads. Default: "
                            + "the .yaml beside IN, a card, a diffusers folder's own.")
    private Optional<Path> config;

    @Option(names = "--ema", description = "Take the averaged weights.")
    private boolean ema;

    @Option(names = "--overwrite", description = "Replace what is at OUT.")
    private boolean overwrite;

    ConvertCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        Target target = format.isPresent() ? format.get() : Target.of(output);
        Conversion conversion = Conversion.of(input, output, target);
        if (dtype.isPresent()) {
            conversion = conversion.withDtype(dtype.get());
        }
        if (ema) {
            conversion = conversion.withWeights(WeightSet.EMA);
        }
        Optional<Path> yaml = config.or(this::yamlBeside);
        if (yaml.isPresent()) {
            conversion = conversion.withSettings(settings(ModelConfig.ofYaml(yaml.get())));
        }
        if (overwrite) {
            conversion = conversion.withOverwrite(Overwrite.REPLACE);
        }
        ConversionResult result = Converter.convert(conversion);
        result.notes().forEach(terminal::say);
        terminal.say(
                "%d tensors, %,d parameters, %,d bytes"
                        .formatted(result.tensors(), result.parameters(), result.bytes()));
        terminal.out().println(result.output());
        return Failure.DONE;
    }

    private Optional<Path> yamlBeside() {
        String name = String.valueOf(input.getFileName());
        int dot = name.lastIndexOf('.');
        Path yaml = input.resolveSibling((dot > 0 ? name.substring(0, dot) : name) + ".yaml");
        return Files.isRegularFile(yaml) ? Optional.of(yaml) : Optional.empty();
    }

    private static NetworkSettings settings(ModelConfig config) {
        return new NetworkSettings(
                config.unet().heads(),
                config.text().heads(),
                config.unet().normGroups(),
                config.vae().normGroups(),
                NetworkSettings.sd15().latentScale());
    }
}
