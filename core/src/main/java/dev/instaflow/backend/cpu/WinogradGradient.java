package dev.instaflow.backend.cpu;

import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.tensor.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;

/**
 * The gradient of a 3x3 convolution with respect to its input, for large images: the same convolution of
 * the result's gradient with kernels that are turned by 180 degrees and have their channels exchanged. They
 * change with every step of an optimiser, so they are transformed for each use.
 */
final class WinogradGradient {
    private static final int TAPS = 9;

    private final CpuEngine engine;
    private final Winograd winograd;
    private final WeightPacker packer;
    private final WinogradPacker winogradPacker;

    WinogradGradient(CpuEngine engine, Kernels kernels) {
        this.engine = engine;
        this.winograd = kernels.winograd();
        this.packer = kernels.packer();
        this.winogradPacker = new WinogradPacker(engine, packer);
    }

    /** Whether {@link #input} is the better way for an image [N,H,W,Ci] and a weight [Co,Ci,K,K]. */
    boolean suits(ConvSpec spec, Shape x, Shape weight) {
        return spec.equals(ConvSpec.SAME_3X3)
                && Math.min(x.size(1), x.size(2)) >= Winograd.LARGE_SIDE
                && winograd.suits(WinogradBasis.SAME, exchanged(weight));
    }

    private static Shape exchanged(Shape weight) {
        return Shape.of(weight.size(1), weight.size(0), weight.size(2), weight.size(3));
    }

    /** {@code dy} [N,H,W,Co] to {@code dx} [N,H,W,Ci]. */
    void input(Shape x, Shape y, PackedWeight weight, long dy, long dx) {
        Shape shape = exchanged(weight.shape());
        Layout layout = winograd.preferred(WinogradBasis.SAME, shape);
        PackedWeight.Packing packing =
                (turned, target, values) ->
                        winogradPacker.pack(WinogradBasis.SAME, turned, target, values);
        PackedWeight.Purpose purpose =
                new PackedWeight.Purpose(PackedWeight.Form.WINOGRAD, layout, packing);
        PackedWeight turned = PackedWeight.packed(engine, "turned kernels", shape, purpose);
        MemoryPool.Block bias = null;
        try {
            turned.fill(turned(weight));
            bias = zeros(shape.intSize(0));
            Winograd.Operands at = new Winograd.Operands(dy, bias.address(), 0, 0, dx);
            winograd.run(WinogradBasis.SAME, y, x, turned, Winograd.Prologue.NONE, at);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // not from memory
        } finally {
            if (bias != null) {
                engine.pool().give(bias);
            }
            turned.release();
        }
    }

    private MemoryPool.Block zeros(int count) {
        Staging staging = engine.takeStaging();
        try {
            float[] zeros = staging.array(0, count);
            Arrays.fill(zeros, 0, count, 0);
            return engine.pool()
                    .filled(
                            CpuStorage.bytesOf(count),
                            "no bias",
                            to -> staging.cursor.write(to, zeros, count));
        } finally {
            engine.give(staging);
        }
    }

    /** The kernels [Ci,Co,3,3] of the gradient. */
    private FloatSource turned(PackedWeight weight) {
        Shape shape = weight.shape();
        int out = shape.intSize(0);
        int in = shape.intSize(1);
        float[] plain = plain(weight);
        return (first, target, offset, length) -> {
            for (int i = 0; i < length; i++) {
                int index = Math.toIntExact(first + i);
                int kernel = index / TAPS;
                int from = (kernel % out * in + kernel / out) * TAPS;
                target[offset + i] = plain[from + TAPS - 1 - index % TAPS];
            }
        };
    }

    private float[] plain(PackedWeight weight) {
        float[] values = new float[Math.toIntExact(weight.shape().count())];
        MemoryPool.Block block =
                engine.pool().take(CpuStorage.bytesOf(values.length), "plain kernels");
        Staging staging = engine.takeStaging();
        try {
            packer.unpack(weight, weight.shape(), block.address());
            staging.cursor.read(block.address(), values, values.length);
        } finally {
            engine.give(staging);
            engine.pool().give(block);
        }
        return values;
    }
}
