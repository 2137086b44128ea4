package dev.instaflow.examples.cli;

import dev.instaflow.image.ImageFile;
import dev.instaflow.image.Pixels;
import dev.instaflow.pipeline.EngineSettings;
import dev.instaflow.pipeline.GeneratedImage;
import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.ImageParameters;
import dev.instaflow.pipeline.ImageParameters.Stamp;
import dev.instaflow.pipeline.TextToImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes an image again from what it remembers. */
@Command(
        name = "regenerate",
        description = {
            "Make an image again from the parameters in its PNG, and compare the pixels.",
            "The weights and the files that it was made from must be the same; another version "
                    + "of this program or another device is pointed out, and may differ by a "
                    + "rounding here and there."
        },
        exitCodeList = {
            "0:the pixels are identical",
            "1:they differ, or it failed",
            "2:bad usage or bad input, such as other weights"
        })
final class RegenerateCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Parameters(paramLabel = "FILE.png", description = "An image that generate has written.")
    private Path file;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            description =
                    "Where to write the image. Default: FILE-again.png in the current folder.")
    private Optional<Path> out;

    @Mixin private ModelOptions model;
    @Mixin private DeviceOptions device;

    RegenerateCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        if (!Files.exists(file)) {
            throw new NoSuchFileException(file.toString());
        }
        ImageFile image = ImageFile.read(file);
        ImageParameters recorded = parametersOf(image);
        GenerationRequest request = InputFiles.restore(recorded, file);
        GeneratedImage again = generate(recorded, request);
        Path path = out.orElseGet(this::nameBeside);
        again.withInputs(recorded.inputs()).writePng(path);
        terminal.out().println(path);
        return compare(image.pixels(), again.pixels());
    }

    private ImageParameters parametersOf(ImageFile image) throws BadInputException {
        String json = image.text().get(ImageParameters.CHUNK);
        if (json == null) {
            throw new BadInputException(
                    file
                            + ": has no parameters (no text chunk \""
                            + ImageParameters.CHUNK
                            + "\"); it was not written by generate, or was edited since");
        }
        try {
            return ImageParameters.fromJson(json);
        } catch (IllegalArgumentException e) {
            throw new BadInputException(file + ": " + e.getMessage());
        }
    }

    private GeneratedImage generate(ImageParameters recorded, GenerationRequest request)
            throws IOException {
        ModelChoice choice = model.choice().or(ModelChoice.recorded(recorded));
        EngineSettings settings = device.settings(recorded.stamp().weights());
        try (TextToImage engine = TextToImage.open(choice.source(), settings)) {
            requireSameModel(engine, recorded.stamp());
            GeneratedImage again = ProgressBar.generate(terminal, engine, request).get(0);
            warnOfDifferences(recorded.stamp(), again.parameters().stamp());
            return again;
        }
    }

    private void requireSameModel(TextToImage engine, Stamp stamp) throws BadInputException {
        if (!engine.weightsSha256().equals(stamp.weightsSha256())) {
            throw new BadInputException(
                    "%s was made by model \"%s\", weights of SHA-256 %s; this is \"%s\", %s: name"
                                    .formatted(
                                            file,
                                            stamp.model(),
                                            stamp.weightsSha256(),
                                            engine.card().identity().name(),
                                            engine.weightsSha256())
                            + " the right file by --model");
        }
        String card = engine.card().identity().name();
        if (!card.equals(stamp.model())) {
            throw new BadInputException(
                    "%s was made by these weights as model \"%s\", here they are taken as \"%s\":"
                                    .formatted(file, stamp.model(), card)
                            + " name the right card by --card");
        }
    }

    private void warnOfDifferences(Stamp then, Stamp now) {
        if (!then.version().equals(now.version())) {
            terminal.warn("made by version " + then.version() + ", this is " + now.version());
        }
        if (!then.backend().equals(now.backend())) {
            terminal.warn("made on " + then.backend() + ", this is " + now.backend());
        }
    }

    private Path nameBeside() {
        String name = file.getFileName().toString().replaceFirst("\\.png$", "");
        return Path.of(name + "-again.png");
    }

    private int compare(Pixels then, Pixels now) {
        byte[] before = then.toBytes();
        byte[] after = now.toBytes();
        if (Arrays.equals(before, after)) {
            terminal.say("identical to " + file);
            return Failure.DONE;
        }
        terminal.say(
                before.length == after.length
                        ? different(before, after)
                        : "not identical: another size than " + file);
        return Failure.FAILED;
    }

    private String different(byte[] before, byte[] after) {
        int count = 0;
        int most = 0;
        for (int i = 0; i < before.length; i++) {
            int difference = Math.abs((before[i] & 0xff) - (after[i] & 0xff));
            count += difference > 0 ? 1 : 0;
            most = Math.max(most, difference);
        }
        return "not identical to %s: %d of %d values differ, by at most %d of 255"
                .formatted(file, count, before.length, most);
    }
}
