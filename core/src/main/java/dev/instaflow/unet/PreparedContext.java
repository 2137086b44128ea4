package dev.instaflow.unet;

import dev.instaflow.nn.Attention;
import dev.instaflow.tensor.Tensor;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The keys and values of one text in every cross-attention of one UNet. They do not depend on the time
 * or the latent, so a sampler makes them once for all its steps. The tensors belong to the scope that
 * they were made in.
 */
public final class PreparedContext {
    private final long n;
    private final Map<Attention, Attention.KeyValue> byLayer;

    PreparedContext(long n, Map<Attention, Attention.KeyValue> byLayer) {
        this.n = n;
        this.byLayer = byLayer;
    }

    /**
     * The batch.
     *
     * @return N of the text states
     */
    public long batch() {
        return n;
    }

    /** The keys and values layer by layer, for {@link #of(long, List, List)}. */
    List<Tensor> tensors(List<Attention> layers) {
        return layers.stream().map(this::of).flatMap(kv -> Stream.of(kv.k(), kv.v())).toList();
    }

    /** The context that {@link #tensors} was taken from. */
    static PreparedContext of(long n, List<Attention> layers, List<Tensor> tensors) {
        Map<Attention, Attention.KeyValue> byLayer = new IdentityHashMap<>();
        for (int i = 0; i < layers.size(); i++) {
            Tensor k = tensors.get(2 * i);
            byLayer.put(layers.get(i), new Attention.KeyValue(k, tensors.get(2 * i + 1)));
        }
        return new PreparedContext(n, byLayer);
    }

    Attention.KeyValue of(Attention layer) {
        Attention.KeyValue keyValue = byLayer.get(layer);
        if (keyValue == null) {
            throw new IllegalArgumentException("the context was prepared by another UNet");
        }
        return keyValue;
    }
}
