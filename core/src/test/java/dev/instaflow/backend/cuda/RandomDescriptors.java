package dev.instaflow.backend.cuda;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntSupplier;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnTensorDescriptor;

/**
 * Descriptors of a convolution with seeded sizes, many of which make no sense, and all that cuDNN answers. Types are F32, F16 and
 * BF16 and layouts NCHW and NHWC: that is all the stand-in has, which refuses the rest as not supported.
 */
final class RandomDescriptors {
    static final long SEED = 20261122;

    private static final int[] TYPES = {0, 2, 9};
    private static final int[] SIZES = {1, 2, 3, 4, 5, 7, 8, 16, 31, 33, 64, 320, 640};
    private static final int[] KERNELS = {1, 2, 3, 4, 5, 7};
    private static final int[] STEPS = {1, 1, 1, 2, 3};
    private static final int[] PADDINGS = {0, 0, 1, 1, 2, 3};
    private static final int[] WRONG = {0, -1, -7, Integer.MIN_VALUE, 1 << 20};

    /** Of a tensor or filter alone: with a step of that width cuDNN's own sums overflow, into nonsense. */
    private static final int LARGEST = Integer.MAX_VALUE;

    /** One number in so many is a wrong one. */
    private static final int RARELY = 40;

    private final Random random;
    private final cudnnTensorDescriptor x = new cudnnTensorDescriptor();
    private final cudnnFilterDescriptor w = new cudnnFilterDescriptor();
    private final cudnnConvolutionDescriptor convolution = new cudnnConvolutionDescriptor();
    private final List<String> answers = new ArrayList<>();
    private boolean complete = true;

    private RandomDescriptors(Random random) {
        this.random = random;
    }

    /** What was asked and what was answered, in one line. */
    static String next(Random random) {
        RandomDescriptors descriptors = new RandomDescriptors(random);
        descriptors.fill();
        descriptors.ask();
        descriptors.destroy();
        return String.join(" ", descriptors.answers);
    }

    private int pick(int... from) {
        int[] pool = random.nextInt(RARELY) == 0 ? WRONG : from;
        return pool[random.nextInt(pool.length)];
    }

    private int size(int... from) {
        return random.nextInt(4 * RARELY) == 0 ? LARGEST : pick(from);
    }

    private int type() {
        return TYPES[random.nextInt(TYPES.length)];
    }

    private boolean call(String what, IntSupplier call) {
        int status = call.getAsInt();
        answers.add(what + "=" + status);
        return status == 0;
    }

    private void fill() {
        JCudnn.cudnnCreateTensorDescriptor(x);
        JCudnn.cudnnCreateFilterDescriptor(w);
        JCudnn.cudnnCreateConvolutionDescriptor(convolution);
        int type = type();
        int channels = size(SIZES);
        tensor(type, channels);
        int filterType = random.nextInt(4) == 0 ? type() : type;
        int filterLayout = random.nextInt(2);
        // A multiple: else cuDNN gives sizes that its convolutions then refuse, and the stand-in at
        // once.
        int groups = random.nextInt(4) == 0 ? pick(1, 2, 4) : 1;
        int out = pick(SIZES) * Math.max(1, groups);
        int in = random.nextInt(4) == 0 ? size(SIZES) : channels;
        int height = size(KERNELS);
        int width = size(KERNELS);
        complete &=
                call(
                        "filter(%d,%d,%d,%d,%d,%d)"
                                .formatted(filterType, filterLayout, out, in, height, width),
                        () ->
                                JCudnn.cudnnSetFilter4dDescriptor(
                                        w, filterType, filterLayout, out, in, height, width));
        convolution(groups);
    }

    private void tensor(int type, int c) {
        int n = size(SIZES);
        int h = size(SIZES);
        int wide = size(SIZES);
        if (random.nextInt(3) > 0) {
            int layout = random.nextInt(2);
            complete &=
                    call(
                            "x(%d,%d,%d,%d,%d,%d)".formatted(layout, type, n, c, h, wide),
                            () ->
                                    JCudnn.cudnnSetTensor4dDescriptor(
                                            x, layout, type, n, c, h, wide));
        } else {
            int gap = 1 + random.nextInt(3);
            // Above 0: cuDNN has uses for other strides, the backend has none and the stand-in
            // refuses them.
            int cStride = gap;
            int wStride = Math.max(1, c * gap);
            int hStride = Math.max(1, wide * c * gap);
            int nStride = Math.max(1, h * wide * c * gap);
            complete &=
                    call(
                            "x(%d,%d,%d,%d,%d strides %d,%d,%d,%d)"
                                    .formatted(
                                            type, n, c, h, wide, nStride, cStride, hStride,
                                            wStride),
                            () ->
                                    JCudnn.cudnnSetTensor4dDescriptorEx(
                                            x, type, n, c, h, wide, nStride, cStride, hStride,
                                            wStride));
        }
    }

    private void convolution(int groups) {
        int[] s = {
            pick(PADDINGS), pick(PADDINGS), pick(STEPS), pick(STEPS), pick(STEPS), pick(STEPS)
        };
        int mode = random.nextInt(RARELY) == 0 ? 2 + random.nextInt(3) : random.nextInt(2);
        boolean set =
                call(
                        "convolution(%d,%d,%d,%d,%d,%d,%d)"
                                .formatted(s[0], s[1], s[2], s[3], s[4], s[5], mode),
                        () ->
                                JCudnn.cudnnSetConvolution2dDescriptor(
                                        convolution, s[0], s[1], s[2], s[3], s[4], s[5], mode, 0));
        complete &= set;
        if (!set) {
            return;
        }
        if (groups != 1) {
            call(
                    "groups(" + groups + ")",
                    () -> JCudnn.cudnnSetConvolutionGroupCount(convolution, groups));
        }
        int math = random.nextInt(RARELY) == 0 ? 4 + random.nextInt(3) : random.nextInt(4);
        call("math(" + math + ")", () -> JCudnn.cudnnSetConvolutionMathType(convolution, math));
    }

    /** What was refused is not asked: cuDNN divides by a stride of 0 then, which ends the process. */
    private void ask() {
        if (!complete) {
            return;
        }
        long[] bytes = new long[1];
        int status = JCudnn.cudnnGetTensorSizeInBytes(x, bytes);
        answers.add("xBytes=" + status + told(status, bytes[0]));
        status = JCudnn.cudnnGetFilterSizeInBytes(w, bytes);
        answers.add("wBytes=" + status + told(status, bytes[0]));
        int[][] d = new int[4][1];
        status =
                JCudnn.cudnnGetConvolution2dForwardOutputDim(
                        convolution, x, w, d[0], d[1], d[2], d[3]);
        answers.add("output=" + status + told(status, d[0][0], d[1][0], d[2][0], d[3][0]));
    }

    /** Numbers mean something after a success alone. */
    private static String told(int status, long... numbers) {
        return status == 0 ? Arrays.toString(numbers).replace(" ", "") : "";
    }

    private void destroy() {
        JCudnn.cudnnDestroyTensorDescriptor(x);
        JCudnn.cudnnDestroyFilterDescriptor(w);
        JCudnn.cudnnDestroyConvolutionDescriptor(convolution);
    }
}
