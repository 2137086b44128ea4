package dev.instaflow.examples.cli;

import dev.instaflow.backend.Backend;
import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.evaluate.CaptionSelection;
import dev.instaflow.train.evaluate.Contestant;
import dev.instaflow.train.evaluate.Evaluation;
import dev.instaflow.train.evaluate.EvaluationMonitor;
import dev.instaflow.train.evaluate.EvaluationResult;
import dev.instaflow.train.evaluate.EvaluationSettings;
import dev.instaflow.train.evaluate.Gallery;
import dev.instaflow.train.evaluate.ModelResult;
import dev.instaflow.train.evaluate.SplitScores;
import dev.instaflow.train.evaluate.report.Report;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures models against the true pictures. */
@Command(
        name = "evaluate",
        description = {
            "Ask models all captions with the same seeds, measure what they draw, write report.html "
                    + "and report.json, and print their paths.",
            "",
            "  instaflow evaluate --data noto-64.tar.xz --model bundled --out report/",
            "  instaflow evaluate --config models.yaml --captions 200 --out report/",
            ""
        })
final class EvaluateCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Option(
            names = "--data",
            paramLabel = "[NAME=]PATH",
            description =
                    "A collection: a folder, zip or tar.xz with marking.csv. Several are styles of "
                            + "the same captions.")
    private List<String> data = List.of();

    @Option(
            names = "--model",
            paramLabel = "[NAME=]FILE[,OPTION=VALUE...]",
            description =
                    "A model, or the word bundled. Options: steps, guidance, weights (plain or ema), "
                            + "card, config, tokenizer. Several are compared.")
    private List<String> models = List.of();

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "YAML or JSON with the lists data and models, and the numbers captions, seeds, "
                            + "gapSteps, gapCaptions, gridCaptions; and captionFile. What the command "
                            + "line says counts before it, and its lists are added.")
    private Optional<Path> config;

    @Option(
            names = "--captions",
            paramLabel = "N",
            description =
                    "Ask N captions, evenly spaced in the order of the collections. Default: all.")
    private Optional<Integer> captions;

    @Option(
            names = "--caption-file",
            paramLabel = "FILE",
            description =
                    "Ask only these: a JSON list of captions or hexcodes, a captions.json, or a "
                            + "text file with a caption a line.")
    private Optional<Path> captionFile;

    @Option(names = "--seeds", paramLabel = "N", description = "Seeds 0 to N-1. Default: 8.")
    private Optional<Integer> seeds;

    @Option(
            names = "--gap-steps",
            paramLabel = "N",
            description = "Steps that one step is compared with. Default: 25.")
    private Optional<Integer> gapSteps;

    @Option(
            names = "--gap-captions",
            paramLabel = "N",
            description = "Captions for that comparison, evenly spaced. Default: 64; 0 for none.")
    private Optional<Integer> gapCaptions;

    @Option(
            names = "--grid-captions",
            paramLabel = "N",
            description = "Captions of each split that are shown, evenly spaced. Default: 12.")
    private Optional<Integer> gridCaptions;

    @Mixin private DeviceChoice device;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            required = true,
            description = "Folder of the report, made if it does not exist.")
    private Path out;

    @Option(names = "--overwrite", description = "Replace a report that is there.")
    private boolean overwrite;

    EvaluateCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        Optional<EvaluateConfig> file =
                config.isPresent()
                        ? Optional.of(EvaluateConfig.read(config.get()))
                        : Optional.empty();
        requireFree();
        EvaluationSettings settings = settings(file);
        List<Contestant> contestants = contestants(file);
        List<DataEntry> collections =
                new ArrayList<>(file.isPresent() ? file.get().data() : List.of());
        data.forEach(word -> collections.add(DataEntry.parse(word, Path.of(""))));
        if (collections.isEmpty()) {
            throw new BadInputException("no collection to compare with; name one by --data");
        }
        Gallery gallery = DataEntry.gallery(collections);
        EvaluationResult result;
        try (Backend backend = device.device().open();
                StatusLine line = new StatusLine(terminal)) {
            result = new Evaluation(settings, gallery, backend, monitor(line)).run(contestants);
        }
        Report.write(result, out);
        result.models().forEach(this::summarise);
        terminal.out().println(out.resolve(Report.PAGE));
        terminal.out().println(out.resolve(Report.NUMBERS));
        return Failure.DONE;
    }

    /** Found out before the work rather than after it. */
    private void requireFree() throws IOException {
        for (String name : List.of(Report.PAGE, Report.NUMBERS)) {
            if (Files.exists(out.resolve(name)) && !overwrite) {
                throw new FileAlreadyExistsException(
                        out.resolve(name).toString(),
                        null,
                        "exists; give --overwrite to replace it");
            }
        }
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw new BadInputException("--out " + out + ": is a file, expected a folder");
        }
    }

    private EvaluationSettings settings(Optional<EvaluateConfig> file) throws IOException {
        EvaluationSettings usual = EvaluationSettings.DEFAULT;
        Optional<Path> names = captionFile.or(() -> file.flatMap(EvaluateConfig::captionFile));
        Optional<Integer> most = number(captions, file, "captions");
        CaptionSelection selection =
                new CaptionSelection(
                        names.isPresent()
                                ? Optional.of(CaptionFile.read(names.get()))
                                : Optional.empty(),
                        most.isPresent() ? OptionalInt.of(most.get()) : OptionalInt.empty());
        return new EvaluationSettings(
                selection,
                number(seeds, file, "seeds").orElse(usual.seeds()),
                number(gapSteps, file, "gapSteps").orElse(usual.gapSteps()),
                number(gapCaptions, file, "gapCaptions").orElse(usual.gapCaptions()),
                number(gridCaptions, file, "gridCaptions").orElse(usual.gridCaptions()));
    }

    private static Optional<Integer> number(
            Optional<Integer> option, Optional<EvaluateConfig> file, String key) {
        return option.or(() -> file.flatMap(f -> f.number(key)));
    }

    private List<Contestant> contestants(Optional<EvaluateConfig> file) throws IOException {
        List<ModelEntry> entries =
                new ArrayList<>(file.isPresent() ? file.get().models() : List.of());
        for (String word : models) {
            entries.add(ModelEntry.parse(word));
        }
        if (entries.isEmpty()) {
            throw new BadInputException("no model to evaluate; name one by --model");
        }
        List<Contestant> contestants = new ArrayList<>();
        for (ModelEntry entry : entries) {
            contestants.add(entry.contestant());
        }
        return contestants;
    }

    private EvaluationMonitor monitor(StatusLine line) {
        TimeLeft left = new TimeLeft(System.nanoTime());
        return (what, fraction) -> {
            if (terminal.interrupt().isCancelled()) {
                throw new CancellationException("cancelled in " + what);
            }
            line.show(() -> left.line(what, fraction, System.nanoTime()));
        };
    }

    private void summarise(ModelResult model) {
        for (Split split : model.splits().keySet()) {
            SplitScores scores = model.splits().get(split);
            terminal.say(
                    String.format(
                            Locale.ROOT,
                            "%s, %d %s captions: top-1 %.1f %%, top-5 %.1f %% at %d px, PSNR %.1f dB, %.0f images/s",
                            model.name(),
                            scores.captions(),
                            split == Split.TRAIN ? "training" : "held-out",
                            100 * scores.found().get(0).top1(),
                            100 * scores.found().get(0).top5(),
                            scores.found().get(0).side(),
                            scores.psnrOnWhite().mean(),
                            model.timing().imagesPerSecond()));
        }
    }
}
