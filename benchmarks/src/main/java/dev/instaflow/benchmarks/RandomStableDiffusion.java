package dev.instaflow.benchmarks;

import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.checkpoint.layout.TensorSpec;
import dev.instaflow.checkpoint.storage.HeapEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToDoubleFunction;

/**
 * All tensors of a Stable Diffusion 1.5 checkpoint with random weights: the deviation of a matrix is
 * 1/sqrt(inputs), so that activations stay of order 1 through all layers, as in a trained model.
 */
final class RandomStableDiffusion {
    private static final double VECTOR_DEVIATION = 0.02;
    private static final int STEPS = 1000;
    private static final double FIRST_BETA = 0.00085;
    private static final double LAST_BETA = 0.012;
    private static final int TOKENS = 77;
    private static final double LEAST_VARIANCE = 1e-20;

    private RandomStableDiffusion() {}

    /** In the order of CompVis' files: schedule, UNet, autoencoder, text encoder. */
    static List<Entry> tensors(long seed) {
        List<Entry> all = new ArrayList<>(schedule());
        for (TensorSpec spec : ArchitectureShapes.sd15().tensors()) {
            all.add(weight(spec, seed));
        }
        long[] positions = new long[TOKENS];
        for (int i = 0; i < TOKENS; i++) {
            positions[i] = i;
        }
        String name = "cond_stage_model.transformer.text_model.embeddings.position_ids";
        all.add(HeapEntry.ofLongs(name, List.of(1L, (long) TOKENS), positions));
        return all;
    }

    private static Entry weight(TensorSpec spec, long seed) {
        List<Long> shape = spec.shape();
        boolean gamma = shape.size() == 1 && spec.name().endsWith(".weight");
        boolean vector = shape.size() == 1 || spec.name().contains("_embedding.");
        double inputs = (double) spec.count() / shape.get(0);
        double deviation = vector ? VECTOR_DEVIATION : 1 / Math.sqrt(inputs);
        return new RandomEntry(spec.name(), shape, gamma ? 1 : 0, deviation, seed);
    }

    /** The twelve buffers of CompVis' DDPM, which readers of the weights ignore. */
    private static List<Entry> schedule() {
        double[] betas = new double[STEPS];
        double[] products = new double[STEPS];
        double[] before = new double[STEPS];
        double product = 1;
        for (int t = 0; t < STEPS; t++) {
            double first = Math.sqrt(FIRST_BETA);
            double root = first + t * (Math.sqrt(LAST_BETA) - first) / (STEPS - 1);
            betas[t] = root * root;
            before[t] = product;
            product *= 1 - betas[t];
            products[t] = product;
        }
        IntToDoubleFunction variance = t -> betas[t] * (1 - before[t]) / (1 - products[t]);
        return List.of(
                buffer("betas", t -> betas[t]),
                buffer("alphas_cumprod", t -> products[t]),
                buffer("alphas_cumprod_prev", t -> before[t]),
                buffer("sqrt_alphas_cumprod", t -> Math.sqrt(products[t])),
                buffer("sqrt_one_minus_alphas_cumprod", t -> Math.sqrt(1 - products[t])),
                buffer("log_one_minus_alphas_cumprod", t -> Math.log(1 - products[t])),
                buffer("sqrt_recip_alphas_cumprod", t -> Math.sqrt(1 / products[t])),
                buffer("sqrt_recipm1_alphas_cumprod", t -> Math.sqrt(1 / products[t] - 1)),
                buffer("posterior_variance", variance),
                buffer(
                        "posterior_log_variance_clipped",
                        t -> Math.log(Math.max(variance.applyAsDouble(t), LEAST_VARIANCE))),
                buffer(
                        "posterior_mean_coef1",
                        t -> betas[t] * Math.sqrt(before[t]) / (1 - products[t])),
                buffer(
                        "posterior_mean_coef2",
                        t -> (1 - before[t]) * Math.sqrt(1 - betas[t]) / (1 - products[t])));
    }

    private static Entry buffer(String name, IntToDoubleFunction values) {
        float[] all = new float[STEPS];
        for (int t = 0; t < STEPS; t++) {
            all[t] = (float) values.applyAsDouble(t);
        }
        return HeapEntry.ofFloats(name, List.of((long) STEPS), all);
    }
}
