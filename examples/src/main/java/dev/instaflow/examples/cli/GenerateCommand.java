package dev.instaflow.examples.cli;

import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.pipeline.EngineSettings;
import dev.instaflow.pipeline.GeneratedImage;
import dev.instaflow.pipeline.GenerationRequest;
import dev.instaflow.pipeline.ImageParameters.InputFile;
import dev.instaflow.pipeline.Latents;
import dev.instaflow.pipeline.StageTimes;
import dev.instaflow.pipeline.TextToImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes images from a prompt. */
@Command(
        name = "generate",
        description = {
            "Make images from a prompt and print the paths of the PNG files.",
            "Each PNG remembers everything that it was made from; regenerate makes it again.",
            "",
            "  instaflow generate красное сердце",
            "  instaflow generate --batch 4 --out hearts/ красное сердце",
            ""
        })
final class GenerateCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Parameters(
            paramLabel = "PROMPT",
            arity = "1..*",
            description = "What the image shows. Several words are joined by spaces to one prompt.")
    private List<String> words;

    @Mixin private ModelOptions model;

    @Option(names = "--ema", description = "Take the averaged weights of the checkpoint.")
    private boolean ema;

    @Mixin private SamplingOptions sampling;
    @Mixin private InputOptions inputs;
    @Mixin private DeviceOptions device;

    @Option(
            names = "--out",
            paramLabel = "FILE|DIR",
            description =
                    "A PNG file, or a folder if it ends in /, exists as one, or --batch "
                            + "is above 1. Default: the current folder. In a folder an image is "
                            + "called PROMPT-SEED.png, or PROMPT-SEED-2.png if a different image "
                            + "has that name. A FILE that exists is replaced only if it is an "
                            + "image of the same prompt, or with --overwrite.")
    private Optional<String> out;

    @Option(names = "--overwrite", description = "Replace files whatever they are.")
    private boolean overwrite;

    @Option(
            names = "--save-latents",
            paramLabel = "FILE.npy",
            description =
                    "Also write the latents that the images were decoded from, [N,C,h,w]. A file "
                            + "that exists is replaced only with --overwrite.")
    private Optional<Path> latentsFile;

    @Option(names = "--timings", description = "Say how long each stage took.")
    private boolean timings;

    GenerateCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        InputFiles files = inputs.files();
        GenerationRequest request = files.applyTo(sampling.request(String.join(" ", words)));
        requireBatch(request.seeds().count());
        if (latentsFile.isPresent()) {
            requireWritable(latentsFile.get());
        }
        OutputFiles output = OutputFiles.of(out, request.seeds().count());
        output.check(
                request.prompt(),
                overwrite ? OutputFiles.Existing.REPLACE : OutputFiles.Existing.KEEP);
        ModelChoice choice = model.choice();
        EngineSettings settings = device.settings(ema ? WeightSet.EMA : WeightSet.PLAIN);
        long start = System.nanoTime();
        try (TextToImage engine = TextToImage.open(choice.source(), settings)) {
            long loadNanos = System.nanoTime() - start;
            if (choice.isGuessed()) {
                terminal.say(
                        "taken as model \"%s\"; another one by --card"
                                .formatted(engine.card().identity().name()));
            }
            engine.notesOn(request.prompt()).lines().forEach(terminal::warn);
            List<GeneratedImage> images = ProgressBar.generate(terminal, engine, request);
            for (int i = 0; i < images.size(); i++) {
                GeneratedImage image = images.get(i);
                Map<String, InputFile> read = new LinkedHashMap<>(files.inputs(i));
                read.putAll(choice.inputs(image.parameters().stamp().weightsSha256()));
                terminal.out().println(output.write(image.withInputs(read)));
            }
            if (latentsFile.isPresent()) {
                together(images).toNpy().write(latentsFile.get());
            }
            if (timings) {
                say(loadNanos, System.nanoTime() - start, images);
            }
        }
        return Failure.DONE;
    }

    /** Noise from a file decides how many images there are. */
    private void requireBatch(int count) throws BadInputException {
        OptionalInt asked = sampling.batch();
        if (asked.isPresent() && asked.getAsInt() != count) {
            throw new BadInputException(
                    "--batch %d, but --noise holds %d images; leave --batch out"
                            .formatted(asked.getAsInt(), count));
        }
    }

    /** Found out before the work rather than after it. */
    private void requireWritable(Path file) throws BadInputException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new BadInputException("--save-latents " + file + ": its folder does not exist");
        }
        if (!Files.isWritable(folder)) {
            throw new BadInputException("--save-latents " + file + ": its folder is read-only");
        }
        if (Files.exists(file) && !overwrite) {
            throw new BadInputException(
                    "--save-latents %s: exists; choose another name, or give --overwrite"
                            .formatted(file));
        }
    }

    private static Latents together(List<GeneratedImage> images) {
        Latents first = images.get(0).latents();
        int length = first.values().length;
        float[] values = new float[Math.multiplyExact(length, images.size())];
        for (int i = 0; i < images.size(); i++) {
            System.arraycopy(images.get(i).latents().values(), 0, values, i * length, length);
        }
        return new Latents(images.size(), first.channels(), first.height(), first.width(), values);
    }

    private void say(long loadNanos, long totalNanos, List<GeneratedImage> images) {
        StageTimes times = images.get(0).times();
        terminal.say(
                String.format(
                        Locale.ROOT,
                        "load %.3f s, text %.3f s, encode %.3f s, denoise %.3f s, "
                                + "decode %.3f s; images from start to file: %d in %.3f s",
                        seconds(loadNanos),
                        seconds(times.textNanos()),
                        seconds(times.encodeNanos()),
                        seconds(times.denoiseNanos()),
                        seconds(times.decodeNanos()),
                        images.size(),
                        seconds(totalNanos)));
    }

    private static double seconds(long nanos) {
        return nanos / 1e9;
    }
}
