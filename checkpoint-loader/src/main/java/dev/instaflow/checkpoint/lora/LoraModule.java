package dev.instaflow.checkpoint.lora;

import dev.instaflow.checkpoint.Entry;
import java.util.List;

/**
 * The change of one weight: {@code W + alpha/rank * up * down}, kernels taken as matrices [Co, Ci*K*K].
 *
 * @param target CompVis name of the weight
 * @param down [rank,In] or [rank,Ci,K,K]
 * @param up [Out,rank] or [Out,rank,1,1]
 * @param alpha the scale times the rank
 */
public record LoraModule(String target, Entry down, Entry up, double alpha) {
    /** Checks that both fit each other. */
    public LoraModule {
        boolean fit =
                isMatrix(down)
                        && isMatrix(up)
                        && up.count() == up.shape().get(0) * down.shape().get(0)
                        && up.shape().get(1).equals(down.shape().get(0));
        if (!fit || !Double.isFinite(alpha)) {
            throw new IllegalArgumentException(
                    ("LoRA of \"%s\": down %s, up %s, alpha %s; expected [rank,In] and [Out,rank], or "
                                    + "kernels [rank,Ci,K,K] and [Out,rank,1,1]")
                            .formatted(target, down.shape(), up.shape(), alpha));
        }
    }

    private static boolean isMatrix(Entry entry) {
        boolean sized = entry.shape().stream().allMatch(size -> size > 0);
        return sized && (entry.shape().size() == 2 || entry.shape().size() == 4);
    }

    /**
     * The inner size.
     *
     * @return at least 1
     */
    public int rank() {
        return Math.toIntExact(down.shape().get(0));
    }

    /**
     * What the product is multiplied by.
     *
     * @return alpha over rank
     */
    public double scale() {
        return alpha / rank();
    }

    /** Whether it changes a weight of that shape. */
    boolean fits(List<Long> shape) {
        long in = shape.stream().skip(1).reduce(1L, Math::multiplyExact);
        return up.shape().get(0).equals(shape.get(0)) && down.count() == in * rank();
    }
}
