package dev.instaflow.train.objective;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.data.ContentDigest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * LPIPS: the distance of features of a network that was trained to tell objects, weighted by what people see.
 * Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric"; as {@code
 * lpips.LPIPS(version="0.1")} of the package lpips 0.1.4, with its AlexNet or VGG16. No weights come with this
 * library: they are read from files with the original names. Pictures with alpha are laid on white and on black,
 * and both distances averaged, so that a wrong alpha is seen. Not thread-safe.
 */
public final class Lpips implements PictureDistance, AutoCloseable {
    /** {@code ScalingLayer} of lpips: mean and deviation of ImageNet, for pictures in -1..1. */
    private static final float[] SHIFT = {-0.030f, -0.088f, -0.188f};

    private static final float[] SCALE = {0.458f, 0.448f, 0.450f};
    private static final int RGB = 3;

    /** A convolution with its weights. */
    record Convolution(PerceptualNetwork.Stage stage, Tensor weight, Tensor bias) {}

    private final TrainingBackend backend;
    private final PerceptualNetwork network;
    private final List<Convolution> layers = new ArrayList<>();
    private final List<float[]> channelWeights = new ArrayList<>();
    private final ContentDigest digest = new ContentDigest();
    private final String hash;

    private Lpips(TrainingBackend backend, Checkpoint features, Checkpoint channels)
            throws IOException {
        this.backend = backend;
        this.network = network(features);
        boolean loaded = false;
        try {
            load(features, channels);
            loaded = true;
        } finally {
            if (!loaded) {
                close();
            }
        }
        this.hash = digest.hex();
    }

    /**
     * Loads the weights. Both may be the same file: the state of a whole {@code lpips.LPIPS}.
     *
     * @param backend computes; keeps weights so that they have gradients
     * @param features has {@code features.0.weight} and so on, as torchvision's {@code alexnet} and {@code
     *     vgg16}, or {@code net.slice1.0.weight}, as lpips; which network it is shows from the names
     * @param channels has {@code lin0.model.1.weight} to {@code lin4.model.1.weight}, as lpips' {@code
     *     weights/v0.1/alex.pth}
     * @return to be closed by the caller
     * @throws CheckpointFormatException if a weight is missing or of a shape that does not fit; the message says
     *     which
     * @throws IOException if a file cannot be read
     */
    public static Lpips load(TrainingBackend backend, Checkpoint features, Checkpoint channels)
            throws IOException {
        return new Lpips(backend, features, channels);
    }

    private static PerceptualNetwork network(Checkpoint features) throws IOException {
        Entry first = feature(features, 0, "weight");
        int kernel = first.shape().size() == 4 ? Math.toIntExact(first.shape().get(3)) : 0;
        for (PerceptualNetwork network : PerceptualNetwork.values()) {
            if (network.stages().get(0).spec().kernel() == kernel) {
                return network;
            }
        }
        throw new CheckpointFormatException(
                "%s: \"%s\" %s is neither AlexNet's first kernel [64,3,11,11] nor VGG16's [64,3,3,3]"
                        .formatted(features.path(), first.name(), first.shape()));
    }

    private static Entry feature(Checkpoint file, int number, String what) throws IOException {
        List<String> names = new ArrayList<>();
        names.add("features." + number + '.' + what);
        for (int slice = 1; slice <= 5; slice++) {
            names.add("net.slice" + slice + '.' + number + '.' + what);
        }
        return anyOf(file, names);
    }

    private static Entry anyOf(Checkpoint file, List<String> names) throws IOException {
        for (String name : names) {
            Optional<Entry> entry = file.find(name);
            if (entry.isPresent()) {
                return entry.get();
            }
        }
        throw new CheckpointFormatException(
                "%s: no \"%s\"; LPIPS needs the features of torchvision's alexnet or vgg16 and lpips' lin0 to lin4"
                        .formatted(file.path(), names.get(0)));
    }

    private void load(Checkpoint features, Checkpoint channels) throws IOException {
        long in = RGB;
        int compared = 0;
        for (PerceptualNetwork.Stage stage : network.stages()) {
            Entry weight = feature(features, stage.number(), "weight");
            Entry bias = feature(features, stage.number(), "bias");
            long kernel = stage.spec().kernel();
            long out = weight.shape().isEmpty() ? 0 : weight.shape().get(0);
            require(features, weight, List.of(out, in, kernel, kernel));
            require(features, bias, List.of(out));
            WeightForm form = new WeightForm.Conv(stage.spec(), 0, 0);
            Tensor kernels = upload(weight, form);
            Tensor biases;
            try {
                biases = upload(bias, WeightForm.PLAIN);
            } catch (IOException | RuntimeException | Error e) {
                kernels.close();
                throw e;
            }
            layers.add(new Convolution(stage, kernels, biases));
            if (stage.compared()) {
                String name = "lin" + compared + ".model.1.weight";
                String nested = "lins." + compared + ".model.1.weight";
                Entry lin = anyOf(channels, List.of(name, nested));
                require(channels, lin, List.of(1L, out, 1L, 1L));
                channelWeights.add(values(lin));
                compared++;
            }
            in = out;
        }
    }

    private static void require(Checkpoint file, Entry entry, List<Long> shape)
            throws CheckpointFormatException {
        if (!entry.shape().equals(shape)) {
            throw new CheckpointFormatException(
                    "%s: \"%s\" %s, expected %s"
                            .formatted(file.path(), entry.name(), entry.shape(), shape));
        }
    }

    private float[] values(Entry entry) throws IOException {
        float[] values = new float[Math.toIntExact(entry.count())];
        entry.readFloats(0, values, 0, values.length);
        digest.add(values);
        return values;
    }

    private Tensor upload(Entry entry, WeightForm form) throws IOException {
        long[] sizes = entry.shape().stream().mapToLong(Long::longValue).toArray();
        return backend.upload(entry.name(), form, Shape.of(sizes), FloatSource.of(values(entry)));
    }

    @Override
    public Result between(Shape shape, float[] pictures, float[] wanted) {
        if (shape.size(3) == RGB) {
            return ofRgb(shape, pictures, wanted);
        }
        if (shape.size(3) != RGB + 1) {
            throw new IllegalArgumentException(
                    "LPIPS of pictures " + shape + ", expected RGB or RGBA");
        }
        Shape flat = shape.with(3, RGB);
        double value = 0;
        float[] gradient = new float[pictures.length];
        for (Backdrop backdrop : Backdrop.values()) {
            Result result = ofRgb(flat, backdrop.under(pictures), backdrop.under(wanted));
            value += result.value() / Backdrop.values().length;
            backdrop.addGradient(result.gradient(), 1f / Backdrop.values().length, gradient);
        }
        return new Result(value, gradient);
    }

    private Result ofRgb(Shape shape, float[] pictures, float[] wanted) {
        PerceptualFeatures goals =
                new PerceptualFeatures(backend, layers).run(shape, scaled(wanted));
        PerceptualFeatures features =
                new PerceptualFeatures(backend, layers).run(shape, scaled(pictures));
        double value = 0;
        int compared = 0;
        List<float[]> gradients = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            if (!layers.get(i).stage().compared()) {
                gradients.add(new float[0]);
                continue;
            }
            FeatureDifference difference =
                    FeatureDifference.of(
                            features.values(i), goals.values(i), channelWeights.get(compared));
            compared++;
            value += difference.value();
            gradients.add(difference.gradient());
        }
        float[] gradient = features.back(gradients);
        for (int i = 0; i < gradient.length; i++) {
            gradient[i] /= SCALE[i % RGB];
        }
        return new Result(value, gradient);
    }

    private static float[] scaled(float[] pictures) {
        float[] scaled = new float[pictures.length];
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] = (pictures[i] - SHIFT[i % RGB]) / SCALE[i % RGB];
        }
        return scaled;
    }

    @Override
    public String description() {
        return "LPIPS with " + network + " of sha-256 " + hash;
    }

    /** Frees the weights; a second call does nothing. */
    @Override
    public void close() {
        for (Convolution layer : layers) {
            layer.weight().close();
            layer.bias().close();
        }
        layers.clear();
    }
}
