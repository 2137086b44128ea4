package dev.instaflow.pipeline;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.Tensor;

/** What all images of a batch have in common, once for each of them. */
final class Repeated {
    private Repeated() {}

    /** @return [n,..] from [1,..] */
    static Tensor images(Ops ops, Tensor one, int n) {
        Tensor all = one;
        while (all.shape().size(0) < n) {
            long more = Math.min(all.shape().size(0), n - all.shape().size(0));
            all = ops.concatBatch(all, ops.sliceBatch(all, 0, more));
        }
        return all;
    }

    /**
     * The text of each sample that the UNet sees.
     *
     * @param texts [1,T,C], or with guidance [2,T,C], the negative one first
     * @return [n,T,C], or with guidance [2n,T,C]
     */
    static Tensor texts(Ops ops, Tensor texts, int n) {
        return texts.shape().size(0) == 1
                ? images(ops, texts, n)
                : ops.concatBatch(
                        images(ops, ops.sliceBatch(texts, 0, 1), n),
                        images(ops, ops.sliceBatch(texts, 1, 2), n));
    }
}
