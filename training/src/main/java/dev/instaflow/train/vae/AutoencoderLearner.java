package dev.instaflow.train.vae;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Parameter;
import dev.instaflow.train.Parameters;
import dev.instaflow.train.RandomStream;
import dev.instaflow.train.RandomStream.Purpose;
import dev.instaflow.train.Seed;
import dev.instaflow.train.Tape;
import dev.instaflow.train.TrainableSet;
import dev.instaflow.train.data.DataOrder;
import dev.instaflow.train.run.Learner;
import dev.instaflow.train.run.RunSetting;
import dev.instaflow.vae.AutoencoderKl;
import dev.instaflow.vae.VaeConfig;
import java.io.IOException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * An autoencoder under training: pictures are encoded, a latent is drawn from their distributions, and what
 * is decoded of it is compared with them. Encoder and decoder have a tape each; between them lies the
 * drawing, whose noise is a function of seed and pass. A frozen encoder costs no gradients.
 */
public final class AutoencoderLearner implements Learner, AutoCloseable {
    private final TrainingBackend backend;
    private final AutoencoderKl vae;
    private final Parameters parameters;
    private final List<Entry> frozen;
    private final TrainableSet trained;
    private final AutoencoderSettings settings;
    private final PictureData data;
    private final DataOrder order;
    private final boolean encoderTrained;

    private AutoencoderLearner(
            TrainingBackend backend,
            AutoencoderKl vae,
            Checkpoint compVis,
            TrainableSet trained,
            AutoencoderSettings settings,
            PictureData data) {
        this.backend = backend;
        this.vae = vae;
        this.trained = trained;
        this.settings = settings;
        this.data = data;
        this.order = new DataOrder(settings.seed(), data.pictures().size());
        this.parameters = new Parameters(backend);
        String prefix = ModelPart.VAE.compVisPrefix();
        parameters.add(
                ModelPart.VAE,
                vae.weights(),
                AutoencoderKl.parameters(vae.config()),
                key -> trained.contains(prefix + key));
        Set<String> names =
                parameters.list().stream().map(Parameter::name).collect(Collectors.toSet());
        this.encoderTrained =
                names.stream().anyMatch(name -> !TrainableSet.VAE_DECODER.contains(name));
        this.frozen =
                compVis.entries().stream().filter(entry -> !names.contains(entry.name())).toList();
    }

    /**
     * Loads an autoencoder.
     *
     * @param backend computes
     * @param compVis has CompVis names; must stay open as long as the learner, which copies the rest of it into
     *     its checkpoints
     * @param config the sizes
     * @param trained {@link TrainableSet#VAE}, {@link TrainableSet#VAE_DECODER}, or other weights of it
     * @param settings of its passes
     * @param data what it sees
     * @return to be closed by the caller
     * @throws IllegalArgumentException if nothing of it is to be trained, or pictures and autoencoder do not fit
     * @throws IOException if the file cannot be read or holds another model
     */
    public static AutoencoderLearner load(
            TrainingBackend backend,
            Checkpoint compVis,
            VaeConfig config,
            TrainableSet trained,
            AutoencoderSettings settings,
            PictureData data)
            throws IOException {
        if (data.format().channels() != config.inChannels()) {
            throw new IllegalArgumentException(
                    "pictures as %s for an autoencoder of %d channels"
                            .formatted(data.format(), config.inChannels()));
        }
        AutoencoderKl vae = AutoencoderKl.load(backend, compVis, config, AutoencoderKl.Parts.BOTH);
        boolean made = false;
        try {
            AutoencoderLearner learner =
                    new AutoencoderLearner(backend, vae, compVis, trained, settings, data);
            if (learner.parameters.list().isEmpty()) {
                throw new IllegalArgumentException(
                        "\"%s\" has nothing of the autoencoder".formatted(trained.name()));
            }
            made = true;
            return learner;
        } finally {
            if (!made) {
                vae.close();
            }
        }
    }

    @Override
    public TrainingBackend backend() {
        return backend;
    }

    @Override
    public Parameters parameters() {
        return parameters;
    }

    @Override
    public List<Entry> frozen() {
        return frozen;
    }

    @Override
    public double pass(long index, float share) {
        int n = settings.batch();
        float[] pictures = data.batch(order.examples(index * n, n));
        int height = data.pictures().get(0).height();
        int width = data.pictures().get(0).width();
        int[] sizes = {n, height, width, data.format().channels()};
        Shape shape = Shape.of(n, height, width, data.format().channels());
        try (Tape encoding = new Tape(backend, Tape.Memory.KEEP)) {
            if (encoderTrained) {
                encoding.watch(parameters.tensors());
            }
            Tensor image = encoding.tensor("pictures", shape, pictures);
            Tensor moments = vae.moments(encoding, image, BlockMonitor.NONE);
            Shape latent = moments.shape().with(-1, vae.config().embedDim());
            RandomStream random = RandomStream.of(settings.seed(), Purpose.POSTERIOR, index);
            Reparameterised drawn =
                    new Reparameterised(
                            encoding.toArray(moments),
                            random.normals(Math.toIntExact(latent.count())),
                            latent.intSize(-1));
            Decoding decoded = decode(latent, drawn.sample(), sizes, pictures, share);
            if (!encoderTrained) {
                return decoded.loss;
            }
            double weight = settings.loss().divergence();
            float[] gradient = drawn.back(decoded.dLatent, weight);
            Tensor seed = encoding.tensor("gradient of moments", moments.shape(), gradient);
            encoding.backward(List.of(new Seed(moments, seed)));
            parameters.addGradients(encoding, share);
            return decoded.loss + weight * drawn.divergence();
        }
    }

    /** The loss of pictures, and its gradient with respect to the latent if the encoder wants it. */
    private record Decoding(double loss, float[] dLatent) {}

    private Decoding decode(
            Shape shape, float[] latent, int[] sizes, float[] pictures, float share) {
        try (Tape tape = new Tape(backend, Tape.Memory.KEEP)) {
            tape.watch(parameters.tensors());
            Tensor z = tape.tensor("latent", shape, latent);
            if (encoderTrained) {
                tape.watch(List.of(z));
            }
            Tensor image = vae.decode(tape, z, BlockMonitor.NONE);
            float[] slope = new float[pictures.length];
            double loss = settings.loss().ofPictures(sizes, tape.toArray(image), pictures, slope);
            Tensor gradient = tape.tensor("gradient of pictures", image.shape(), slope);
            tape.backward(List.of(new Seed(image, gradient)));
            parameters.addGradients(tape, share);
            float[] dLatent =
                    encoderTrained ? tape.toArray(tape.gradient(z).orElseThrow()) : new float[0];
            return new Decoding(loss, dLatent);
        }
    }

    @Override
    public Map<RunSetting, String> settings() {
        Map<RunSetting, String> words = new EnumMap<>(RunSetting.class);
        words.put(RunSetting.BATCH, String.valueOf(settings.batch()));
        words.put(RunSetting.OBJECTIVE, "autoencoder, " + trained.name());
        words.put(RunSetting.LOSS, settings.loss().description());
        words.put(RunSetting.CAPTIONS, "none");
        words.put(RunSetting.MEMORY, Tape.Memory.KEEP.toString());
        words.put(RunSetting.DATA, data.description());
        return words;
    }

    /** Frees the weights; a second call does nothing. */
    @Override
    public void close() {
        vae.close();
    }
}
