package dev.instaflow.train.recipe;

import dev.instaflow.backend.Backend;
import dev.instaflow.sampler.Guidance;
import dev.instaflow.sampler.NoiseSource;
import dev.instaflow.sampler.SamplerKind;
import dev.instaflow.sampler.SamplerSettings;
import dev.instaflow.tensor.Shape;
import dev.instaflow.train.pairs.PairCaption;
import dev.instaflow.train.pairs.PairMaker;
import dev.instaflow.train.pairs.PairPlan;
import dev.instaflow.train.pairs.Teacher;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;

/** Has a teacher draw the captions of collections, and keeps noises and latents. */
final class PairTask implements PartTask {
    /** In the part's folder. */
    static final String FOLDER = "pairs";

    @Override
    public void check(Section settings) {
        Section own = settings.at("pairs");
        own.choice("weights", Models.WEIGHTS);
        own.build(() -> SamplerKind.of(own.text("sampler")));
        own.build(() -> NoiseSource.of(own.text("noise")));
        for (String key : List.of("seeds", "steps", "segments", "batch", "shard")) {
            own.count(key, 1);
        }
    }

    @Override
    public Map<String, Path> inputs(Context context) throws IOException {
        return context.input("pairs", "teacher");
    }

    @Override
    public Outcome run(Context context) throws IOException {
        Section settings = context.settings();
        Section own = settings.at("pairs");
        StartModel teacher = teacher(context);
        List<PairCaption> captions;
        try (PictureRows rows = PictureRows.open(settings.at("data"), context.monitor())) {
            captions =
                    rows.byCaption().keySet().stream().map(text -> caption(teacher, text)).toList();
        }
        if (captions.isEmpty()) {
            throw settings.at("data").bad("collections", "is empty: no captions to draw");
        }
        PairPlan plan = own.build(() -> plan(own, teacher, captions));
        Path folder = context.folder().resolve(FOLDER);
        Files.createDirectories(folder);
        try (Backend backend = Backends.open(settings);
                Teacher loaded =
                        Teacher.load(
                                backend,
                                teacher.file(),
                                own.choice("weights", Models.WEIGHTS),
                                teacher.config(),
                                teacher.card().traits(),
                                teacher.card().latentScale())) {
            PairMaker maker = own.build(() -> new PairMaker(loaded, plan, folder));
            maker.make(made -> report(context, plan, made));
            return Outcome.FINISHED;
        } catch (CancellationException e) {
            context.monitor().say(e.getMessage());
            return Outcome.STOPPED;
        }
    }

    /** Its card and sizes are found as those of a model to start from. */
    private static StartModel teacher(Context context) throws IOException {
        Section model = context.settings().at("model");
        Section asStart =
                new Section(model.label(), model.path(), model.tree().deepCopy(), model.base());
        Path file = context.models().file(context.settings().at("pairs"), "teacher");
        asStart.tree().put("start", file.toAbsolutePath().toString());
        return context.models().start(asStart);
    }

    private static PairCaption caption(StartModel teacher, String text) {
        return new PairCaption(text, teacher.tokenizer().encode(text).ids());
    }

    private static PairPlan plan(Section own, StartModel teacher, List<PairCaption> captions) {
        int factor = teacher.config().vae().factor();
        Shape sample =
                Shape.of(
                        teacher.card().image().height() / factor,
                        teacher.card().image().width() / factor,
                        teacher.config().vae().embedDim());
        SamplerSettings sampler =
                SamplerSettings.of(SamplerKind.of(own.text("sampler")), own.count("steps", 1));
        return PairPlan.of(captions, caption(teacher, ""), sample, sampler)
                .withSeeds(
                        NoiseSource.of(own.text("noise")),
                        own.whole("firstSeed"),
                        own.count("seeds", 1))
                .withGuidance(new Guidance(own.number("guidance")))
                .withSegments(own.count("segments", 1))
                .withSizes(own.count("batch", 1), own.count("shard", 1));
    }

    private static void report(Context context, PairPlan plan, int made) {
        context.monitor()
                .progress(made + " pairs of " + plan.pairs(), (double) made / plan.pairs());
        if (made < plan.pairs() && context.monitor().isStopped()) {
            throw new CancellationException(
                    "stopped after %d pairs of %d, saved; the same command goes on from there"
                            .formatted(made, plan.pairs()));
        }
    }
}
