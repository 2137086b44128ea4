package dev.instaflow.benchmarks;

import dev.instaflow.standin.Ledger;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Bytes that a launch of one of our kernels moves, and multiplications and additions where it is a matter of products: the lines
 * "Traffic" and "Entries" of the {@code .cu} files, as functions of a launch's arguments. That the kernels move no more is measured in
 * the emulator by the tests of {@code kernels}.
 */
final class KernelTraffic {
    private static final Pattern ENTRY =
            Pattern.compile("(\\w+?)_(f32|f16|bf16|b16|b32)(?:_(f32|f16|bf16))?(?:_(\\d+))?");

    private static final double SCORES_AND_VALUES = 4;

    private final Ledger.Kernel kernel;
    private final String family;
    private final long size;
    private final long otherSize;
    private final long paddedWidth;

    private KernelTraffic(Ledger.Kernel kernel) {
        this.kernel = kernel;
        Matcher entry = ENTRY.matcher(kernel.entry());
        if (!entry.matches()) {
            throw new IllegalArgumentException("no entry of ours: " + kernel.entry());
        }
        family = entry.group(1);
        size = entry.group(2).endsWith("32") ? 4 : 2;
        otherSize = "f32".equals(entry.group(3)) ? 4 : 2;
        paddedWidth = entry.group(4) == null ? 0 : Long.parseLong(entry.group(4));
    }

    /** What one launch does. */
    static LaunchWork of(Ledger.Kernel kernel) {
        return new KernelTraffic(kernel).work();
    }

    private long arg(int index) {
        return kernel.arguments().get(index);
    }

    /** Addresses that are not 0. */
    private long present(int from, int to) {
        return kernel.arguments().subList(from, to).stream().filter(a -> a != 0).count();
    }

    private LaunchWork work() {
        return switch (family) {
            case "attention_fwd", "attention_plain_fwd" -> attention();
            case "group_norm_sums" -> moves(LaunchWork.Kind.GROUP_NORM, image());
            case "group_norm_fwd" -> moves(LaunchWork.Kind.GROUP_NORM, 2 * image());
            case "layer_norm_fwd" -> moves(LaunchWork.Kind.LAYER_NORM, 2 * arg(4) * arg(5) * size);
            case "geglu_fwd" -> moves(LaunchWork.Kind.GEGLU, 3 * arg(3) * arg(4) * size);
            case "channels_bias" ->
                    moves(LaunchWork.Kind.BIAS, (2 + present(3, 4)) * arg(4) * size + 4 * arg(5));
            case "channels_add" -> moves(LaunchWork.Kind.BIAS, 2 * arg(3) * size);
            case "channels_concat" ->
                    moves(LaunchWork.Kind.MOVES, 2 * arg(3) * (arg(4) + arg(5)) * size);
            case "channels_slice" -> moves(LaunchWork.Kind.MOVES, 2 * arg(2) * arg(5) * size);
            case "channels_pad" -> moves(LaunchWork.Kind.MOVES, arg(2) * (arg(3) + arg(5)) * size);
            case "upsample_fwd" -> moves(LaunchWork.Kind.MOVES, upsampled());
            case "cast" -> moves(LaunchWork.Kind.CASTS, arg(2) * (size + otherSize));
            case "elementwise_add", "elementwise_multiply" ->
                    moves(LaunchWork.Kind.ELEMENTWISE, 3 * arg(3) * size);
            case "elementwise_silu", "elementwise_gelu", "elementwise_quickgelu" ->
                    moves(LaunchWork.Kind.ELEMENTWISE, 2 * arg(2) * size);
            case "combine_uniform" ->
                    moves(LaunchWork.Kind.ELEMENTWISE, (1 + present(1, 5)) * arg(9) * size);
            case "combine_each" ->
                    moves(LaunchWork.Kind.ELEMENTWISE, (1 + present(1, 5)) * arg(7) * size);
            case "embedding_time" -> moves(LaunchWork.Kind.ELEMENTWISE, arg(2) * arg(3) * size);
            case "embedding_rows" -> moves(LaunchWork.Kind.ELEMENTWISE, 2 * arg(3) * arg(4) * size);
            case "image_transpose" ->
                    moves(LaunchWork.Kind.MOVES, 2 * kernel.gridZ() * arg(2) * arg(3) * size);
            default -> throw new IllegalArgumentException("traffic of " + kernel.entry());
        };
    }

    private static LaunchWork moves(LaunchWork.Kind kind, double bytes) {
        return new LaunchWork(kind, LaunchWork.Arithmetic.NONE, 0, 0, bytes);
    }

    /** [N,HW,C]. */
    private double image() {
        List<Long> extents =
                family.endsWith("sums") ? List.of(arg(3), arg(4)) : List.of(arg(7), arg(8));
        return (double) kernel.gridY() * extents.get(0) * extents.get(1) * size;
    }

    private double upsampled() {
        long out = arg(2);
        long in = out / (arg(5) * arg(6)) * arg(3) * arg(4);
        return (double) (out + in) * arg(7) * size;
    }

    /** Tensor cores do the padding of a head's width too. */
    private LaunchWork attention() {
        long queries = arg(5);
        long keys = arg(6);
        long width = arg(11);
        boolean causal = arg(13) != 0;
        double heads = (double) kernel.gridZ() * kernel.gridY();
        double seen = causal ? (keys + 1) / 2.0 : keys;
        double flops = SCORES_AND_VALUES * heads * queries * seen * width;
        boolean plain = family.contains("plain");
        LaunchWork.Arithmetic arithmetic =
                plain ? LaunchWork.Arithmetic.F32 : LaunchWork.Arithmetic.HALF;
        double done = plain ? flops : flops * paddedWidth / width;
        double bytes = 2.0 * (queries + keys) * heads * width * size;
        return new LaunchWork(LaunchWork.Kind.ATTENTION, arithmetic, flops, done, bytes);
    }
}
