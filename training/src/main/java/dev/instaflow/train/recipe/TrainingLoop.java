package dev.instaflow.train.recipe;

import dev.instaflow.image.Pixels;
import dev.instaflow.train.evaluate.LossChart;
import dev.instaflow.train.run.Checkpoints;
import dev.instaflow.train.run.RunSetting;
import dev.instaflow.train.run.StepReport;
import dev.instaflow.train.run.Trainer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Makes the steps of a part, with checkpoints, log, charts and grids, from where it stopped. */
final class TrainingLoop {
    /** In the part's folder. */
    static final String CHECKPOINTS = "checkpoints";

    private static final double SMOOTH = 0.98;
    private static final double NANOS_A_SECOND = 1e9;
    private static final double NANOS_A_MINUTE = 60e9;

    private final Trainer trainer;
    private final Section settings;
    private final Path folder;
    private final RunMonitor monitor;
    private final Optional<ProgressPictures> pictures;
    private final Checkpoints checkpoints;
    private final int steps;
    private double smoothLoss;
    private long savedNanos;

    /**
     * A loop at its beginning.
     *
     * @param trainer at its beginning
     * @param settings of the part
     * @param folder of the part
     * @param companions copied into each checkpoint
     * @param pictures drawn at intervals
     * @param monitor watches
     */
    TrainingLoop(
            Trainer trainer,
            Section settings,
            Path folder,
            List<Path> companions,
            Optional<ProgressPictures> pictures,
            RunMonitor monitor) {
        this.trainer = trainer;
        this.settings = settings;
        this.folder = folder;
        this.monitor = monitor;
        this.pictures = pictures;
        this.steps = settings.count("steps", 1);
        this.checkpoints =
                new Checkpoints(
                        folder.resolve(CHECKPOINTS),
                        settings.at("checkpoints").count("keep", 1),
                        companions);
    }

    /**
     * Trains to the last step.
     *
     * @param changed settings that differ on purpose from the last checkpoint's
     * @return the last checkpoint, or empty if the run was stopped before
     */
    Optional<Path> run(Set<RunSetting> changed) throws IOException {
        Optional<Path> from = checkpoints.restore(trainer, changed);
        from.ifPresent(path -> monitor.say("goes on from " + path));
        if (trainer.steps() > steps) {
            throw settings.bad(
                    "steps", "is %d, but the run has made %d".formatted(steps, trainer.steps()));
        }
        savedNanos = System.nanoTime();
        try (RunLog log = RunLog.open(folder.resolve("log.csv"), trainer.steps())) {
            while (trainer.steps() < steps) {
                if (monitor.isStopped()) {
                    checkpoints.save(trainer);
                    monitor.say(
                            "stopped after step %d of %d, saved; the same command goes on from there"
                                    .formatted(trainer.steps(), steps));
                    return Optional.empty();
                }
                step(log);
            }
        }
        chart();
        return Optional.of(checkpoints.save(trainer));
    }

    private void step(RunLog log) throws IOException {
        long before = System.nanoTime();
        StepReport report = trainer.step();
        long now = System.nanoTime();
        log.add(report, (now - before) / NANOS_A_SECOND);
        smoothLoss =
                smoothLoss == 0
                        ? report.loss()
                        : SMOOTH * smoothLoss + (1 - SMOOTH) * report.loss();
        monitor.progress(
                String.format(Locale.ROOT, "step %d, loss %.4f", report.step(), smoothLoss),
                (double) report.step() / steps);
        Section when = settings.at("checkpoints");
        double minutes = when.amount("everyMinutes");
        boolean late = minutes > 0 && now - savedNanos > minutes * NANOS_A_MINUTE;
        if (late || isDue(when.count("everySteps", 0))) {
            checkpoints.save(trainer);
            savedNanos = System.nanoTime();
        }
        Section progress = settings.at("progress");
        if (isDue(progress.count("chartSteps", 0))) {
            chart();
        }
        if (pictures.isPresent() && isDueOrLast(progress.count("gridSteps", 0))) {
            Pixels[] grid = new Pixels[1];
            trainer.withAverages(() -> grid[0] = pictures.get().draw());
            ProgressPictures.write(grid[0], folder.resolve("grids"), trainer.steps());
        }
    }

    private boolean isDue(int every) {
        return every > 0 && trainer.steps() % every == 0;
    }

    private boolean isDueOrLast(int every) {
        return isDue(every) || trainer.steps() == steps;
    }

    private void chart() throws IOException {
        if (settings.at("progress").count("chartSteps", 0) > 0) {
            LossChart.write(folder.resolve("log.csv"), folder.resolve("loss.png"));
        }
    }
}
