package dev.instaflow.train.objective;

import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.sampler.LatentScale;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.train.Seed;
import dev.instaflow.vae.AutoencoderKl;
import java.util.ArrayList;
import java.util.List;

/**
 * For one-step generators: the squared error of latents plus the mean absolute difference of the decoded
 * pictures. Only at flow time 0, where {@code state + prediction} is the picture that the network means.
 *
 * @param decoder frozen
 * @param scale between its latents and the network's
 * @param weight of the pictures' difference beside that of latents
 */
public record DecodedDifference(AutoencoderKl decoder, LatentScale scale, double weight)
        implements Loss {
    @Override
    public Result of(Ops ops, Tensor prediction, Problem problem) {
        Result latents = SQUARED_ERROR.of(ops, prediction, problem);
        Shape shape = prediction.shape();
        Tensor state = ops.tensor("state", shape, problem.state());
        Tensor meant = ops.add(state, prediction);
        Tensor image = decode(ops, meant);
        Tensor wanted = ops.add(state, ops.tensor("target", shape, problem.target()));
        float[] expected = ops.toArray(decode(ops, wanted));
        float[] slopes = ops.toArray(image);
        double sum = 0;
        float slope = (float) (weight / slopes.length);
        for (int i = 0; i < slopes.length; i++) {
            float difference = slopes[i] - expected[i];
            sum += Math.abs(difference);
            slopes[i] = slope * Math.signum(difference);
        }
        List<Seed> seeds = new ArrayList<>(latents.seeds());
        seeds.add(new Seed(image, ops.tensor("gradient of pictures", image.shape(), slopes)));
        return new Result(latents.value() + weight * sum / slopes.length, seeds);
    }

    @Override
    public String description() {
        return "squared error and " + weight + " of the decoded pictures' absolute difference";
    }

    private Tensor decode(Ops ops, Tensor latent) {
        return decoder.decode(ops, scale.toRaw(ops, latent), BlockMonitor.NONE);
    }
}
