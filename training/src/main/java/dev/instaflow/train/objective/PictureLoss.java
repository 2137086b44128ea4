package dev.instaflow.train.objective;

import dev.instaflow.backend.Backend;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.sampler.LatentScale;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Seed;
import dev.instaflow.train.data.WeightsDigest;
import dev.instaflow.vae.AutoencoderKl;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The distance of decoded pictures: of the latent that a flow's answer means, {@code state + left * answer},
 * from the one that it should mean. At the beginning of the way, where one-step generators are trained, that is
 * the picture itself. Beside it usually stands {@link Loss#SQUARED_ERROR} in a {@link WeightedLosses}.
 *
 * @param backend that the decoder was loaded to
 * @param decoder frozen
 * @param scale between its latents and the network's
 * @param terms distances with their weights, at least one; the pictures are decoded once for all of them
 */
public record PictureLoss(
        Backend backend, AutoencoderKl decoder, LatentScale scale, List<Term> terms)
        implements Loss {
    /**
     * One of the distances.
     *
     * @param distance what it is
     * @param weight above 0
     */
    public record Term(PictureDistance distance, double weight) {
        /** Checks the weight. */
        public Term {
            if (!(weight > 0) || Double.isInfinite(weight)) {
                throw new IllegalArgumentException(
                        "weight " + weight + " of the distance \"" + distance.description() + '"');
            }
        }
    }

    /** Checks that there is a distance. */
    public PictureLoss {
        terms = List.copyOf(terms);
        if (terms.isEmpty()) {
            throw new IllegalArgumentException("pictures are compared by no distance");
        }
    }

    @Override
    public Result of(Ops ops, Tensor prediction, Problem problem) {
        float[] left =
                problem.left()
                        .orElseThrow(
                                () ->
                                        new IllegalArgumentException(
                                                "pictures are compared where an answer means one: with "
                                                        + "RectifiedFlow, or distillation to one step"));
        Tensor image = decode(ops, prediction, problem, left);
        Tensor target = ops.tensor("target", prediction.shape(), problem.target());
        float[] wanted = ops.toArray(decode(ops, target, problem, left));
        float[] pictures = ops.toArray(image);
        float[] gradient = new float[pictures.length];
        double value = 0;
        for (Term term : terms) {
            PictureDistance.Result result = term.distance.between(image.shape(), pictures, wanted);
            value += term.weight * result.value();
            float weight = (float) term.weight;
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] += weight * result.gradient()[i];
            }
        }
        Tensor slope = ops.tensor("gradient of pictures", image.shape(), gradient);
        return new Result(value, List.of(new Seed(image, slope)));
    }

    private Tensor decode(Ops ops, Tensor answer, Problem problem, float[] left) {
        Shape shape = answer.shape();
        Tensor state = ops.tensor("state", shape, problem.state());
        Tensor latent = ops.combine(new float[][] {{1}, left}, state, answer);
        return decoder.decode(ops, scale.toRaw(ops, latent), BlockMonitor.NONE);
    }

    @Override
    public String description() {
        return "pictures by the decoder of scale %s and sha-256 %s: %s"
                .formatted(
                        scale.factor(),
                        WeightsDigest.of(backend, decoder.weights()),
                        terms.stream()
                                .map(term -> term.weight + " of " + term.distance.description())
                                .collect(Collectors.joining(", ")));
    }
}
