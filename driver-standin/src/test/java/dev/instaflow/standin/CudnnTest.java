package dev.instaflow.standin;

import static dev.instaflow.standin.DriverFixture.allocate;
import static dev.instaflow.standin.DriverFixture.ok;
import static jcuda.driver.JCudaDriver.cuCtxSynchronize;
import static jcuda.jcudnn.JCudnn.*;
import static jcuda.jcudnn.cudnnNanPropagation.CUDNN_NOT_PROPAGATE_NAN;
import static jcuda.jcudnn.cudnnNanPropagation.CUDNN_PROPAGATE_NAN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.ToDoubleFunction;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnActivationDescriptor;
import jcuda.jcudnn.cudnnConvolutionDescriptor;
import jcuda.jcudnn.cudnnConvolutionFwdAlgoPerf;
import jcuda.jcudnn.cudnnFilterDescriptor;
import jcuda.jcudnn.cudnnHandle;
import jcuda.jcudnn.cudnnTensorDescriptor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Convolutions of the stand-in and their gradients, and what it refuses. */
class CudnnTest {
    private static final int BAD_PARAM = 3;
    private static final int NOT_SUPPORTED = 9;
    private static final int NCHW = 0;
    private static final int NHWC = 1;

    private DriverFixture device;
    private cudnnHandle handle;

    @BeforeEach
    void start() {
        device = DriverFixture.start(StandInSettings.fast());
        JCudnn.setExceptionsEnabled(false);
        handle = new cudnnHandle();
        ok(cudnnCreate(handle));
    }

    /** A convolution's shape, with its descriptors. */
    private static final class Case {
        final int n, c, h, w, k, r, s, pad, stride, dilation, groups, format;
        final Values type;
        int outH, outW;
        final cudnnTensorDescriptor x = new cudnnTensorDescriptor();
        final cudnnTensorDescriptor y = new cudnnTensorDescriptor();
        final cudnnFilterDescriptor filter = new cudnnFilterDescriptor();
        final cudnnConvolutionDescriptor convolution = new cudnnConvolutionDescriptor();

        Case(int[] sizes, int format, Values type) {
            n = sizes[0];
            c = sizes[1];
            h = sizes[2];
            w = sizes[3];
            k = sizes[4];
            r = sizes[5];
            s = sizes[6];
            pad = sizes[7];
            stride = sizes[8];
            dilation = sizes[9];
            groups = sizes[10];
            this.format = format;
            this.type = type;
            ok(cudnnCreateTensorDescriptor(x));
            ok(cudnnCreateTensorDescriptor(y));
            ok(cudnnCreateFilterDescriptor(filter));
            ok(cudnnCreateConvolutionDescriptor(convolution));
            ok(cudnnSetTensor4dDescriptor(x, format, type.cudnn, n, c, h, w));
            ok(cudnnSetFilter4dDescriptor(filter, type.cudnn, format, k, c / groups, r, s));
            ok(
                    cudnnSetConvolution2dDescriptor(
                            convolution, pad, pad, stride, stride, dilation, dilation, 1, 0));
            ok(cudnnSetConvolutionGroupCount(convolution, groups));
            ok(cudnnSetConvolutionMathType(convolution, 1));
            int[][] out = new int[4][1];
            ok(
                    cudnnGetConvolution2dForwardOutputDim(
                            convolution, x, filter, out[0], out[1], out[2], out[3]));
            assertEquals(n, out[0][0]);
            assertEquals(k, out[1][0]);
            outH = out[2][0];
            outW = out[3][0];
            ok(cudnnSetTensor4dDescriptor(y, format, type.cudnn, n, k, outH, outW));
        }

        int at(int channels, int height, int width, int i, int ch, int y0, int x0) {
            return format == NHWC
                    ? ((i * height + y0) * width + x0) * channels + ch
                    : ((i * channels + ch) * height + y0) * width + x0;
        }

        int xAt(int i, int ch, int y0, int x0) {
            return at(c, h, w, i, ch, y0, x0);
        }

        int yAt(int i, int ch, int y0, int x0) {
            return at(k, outH, outW, i, ch, y0, x0);
        }

        int wAt(int ko, int ci, int y0, int x0) {
            return at(c / groups, r, s, ko, ci, y0, x0);
        }

        int xSize() {
            return n * c * h * w;
        }

        int ySize() {
            return n * k * outH * outW;
        }

        int wSize() {
            return k * (c / groups) * r * s;
        }

        /** Calls for every product: indices into x, w and y. */
        void eachProduct(Product product) {
            for (int i = 0; i < n; i++) {
                for (int ko = 0; ko < k; ko++) {
                    for (int oh = 0; oh < outH; oh++) {
                        for (int ow = 0; ow < outW; ow++) {
                            window(product, i, ko, oh, ow);
                        }
                    }
                }
            }
        }

        private void window(Product product, int i, int ko, int oh, int ow) {
            int first = ko / (k / groups) * (c / groups);
            for (int ci = 0; ci < c / groups; ci++) {
                for (int a = 0; a < r; a++) {
                    for (int b = 0; b < s; b++) {
                        int y0 = oh * stride - pad + a * dilation;
                        int x0 = ow * stride - pad + b * dilation;
                        if (y0 >= 0 && y0 < h && x0 >= 0 && x0 < w) {
                            product.of(
                                    xAt(i, first + ci, y0, x0),
                                    wAt(ko, ci, a, b),
                                    yAt(i, ko, oh, ow));
                        }
                    }
                }
            }
        }
    }

    private interface Product {
        void of(int x, int w, int y);
    }

    private static void assertClose(Values type, double[] expected, double[] actual) {
        for (int i = 0; i < expected.length; i++) {
            double difference = Math.abs(actual[i] - expected[i]);
            assertTrue(
                    difference <= type.halfUlp(expected[i]),
                    "at " + i + ": " + actual[i] + ", expected " + expected[i]);
        }
    }

    private static double[] map(double[] values, ToDoubleFunction<Integer> f) {
        double[] result = new double[values.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = f.applyAsDouble(i);
        }
        return result;
    }

    private static Pointer host(float value) {
        return Pointer.to(new float[] {value});
    }

    private long forwardWorkspace(Case c, int algorithm) {
        long[] bytes = new long[1];
        ok(
                cudnnGetConvolutionForwardWorkspaceSize(
                        handle, c.x, c.filter, c.convolution, c.y, algorithm, bytes));
        return bytes[0];
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1",
        "2, 3, 7, 5, 4, 3, 3, 1, 1, 1, 1",
        "1, 31, 8, 9, 33, 3, 3, 1, 2, 1, 1",
        "2, 8, 9, 11, 6, 2, 3, 2, 1, 2, 2",
        "3, 16, 6, 6, 8, 1, 1, 0, 1, 1, 1",
    })
    void convolutionsAndGradientsAreThoseOfDoubles(
            int n, int c, int h, int w, int k, int r, int s, int p, int st, int d, int g) {
        for (Values type : Values.values()) {
            for (int format : new int[] {NCHW, NHWC}) {
                Case shape = new Case(new int[] {n, c, h, w, k, r, s, p, st, d, g}, format, type);
                checkForward(shape);
                checkBackwardData(shape);
                checkBackwardFilter(shape);
            }
        }
    }

    private void checkForward(Case c) {
        double[] x = Values.random(c.xSize(), 1);
        double[] w = Values.random(c.wSize(), 2);
        double[] old = Values.random(c.ySize(), 3);
        CUdeviceptr y = c.type.upload(old);
        long bytes = forwardWorkspace(c, 1);
        ok(
                cudnnConvolutionForward(
                        handle,
                        host(0.5f),
                        c.x,
                        c.type.upload(x),
                        c.filter,
                        c.type.upload(w),
                        c.convolution,
                        1,
                        allocate(bytes),
                        bytes,
                        host(-1),
                        c.y,
                        y));
        double[] sum = new double[c.ySize()];
        c.eachProduct((i, j, o) -> sum[o] += x[i] * w[j]);
        assertClose(c.type, map(sum, i -> 0.5 * sum[i] - old[i]), c.type.download(y, sum.length));
    }

    private void checkBackwardData(Case c) {
        double[] dy = Values.random(c.ySize(), 1);
        double[] w = Values.random(c.wSize(), 2);
        double[] old = Values.random(c.xSize(), 3);
        CUdeviceptr dx = c.type.upload(old);
        ok(
                cudnnConvolutionBackwardData(
                        handle,
                        host(1),
                        c.filter,
                        c.type.upload(w),
                        c.y,
                        c.type.upload(dy),
                        c.convolution,
                        0,
                        new Pointer(),
                        0,
                        host(2),
                        c.x,
                        dx));
        double[] sum = new double[c.xSize()];
        c.eachProduct((i, j, o) -> sum[i] += dy[o] * w[j]);
        assertClose(c.type, map(sum, i -> sum[i] + 2 * old[i]), c.type.download(dx, sum.length));
    }

    private void checkBackwardFilter(Case c) {
        double[] dy = Values.random(c.ySize(), 1);
        double[] x = Values.random(c.xSize(), 2);
        CUdeviceptr dw = allocate((long) c.type.bytes * c.wSize());
        ok(
                cudnnConvolutionBackwardFilter(
                        handle,
                        host(0.25f),
                        c.x,
                        c.type.upload(x),
                        c.y,
                        c.type.upload(dy),
                        c.convolution,
                        0,
                        new Pointer(),
                        0,
                        host(0),
                        c.filter,
                        dw));
        double[] sum = new double[c.wSize()];
        c.eachProduct((i, j, o) -> sum[j] += dy[o] * x[i]);
        assertClose(c.type, map(sum, i -> 0.25 * sum[i]), c.type.download(dw, sum.length));
    }

    private static Case small() {
        return new Case(new int[] {1, 8, 5, 5, 8, 3, 3, 1, 1, 1, 1}, NHWC, Values.F16);
    }

    private int fused(Case c, int activationMode, int algorithm, double[] result) {
        return fused(c, activationMode, algorithm, CUDNN_NOT_PROPAGATE_NAN, result);
    }

    private int fused(Case c, int activationMode, int algorithm, int nan, double[] result) {
        double[] x = Values.random(c.xSize(), 1);
        double[] w = Values.random(c.wSize(), 2);
        double[] z = Values.random(c.ySize(), 3);
        double[] bias = Values.random(c.k, 4);
        cudnnTensorDescriptor biasDescriptor = new cudnnTensorDescriptor();
        ok(cudnnCreateTensorDescriptor(biasDescriptor));
        ok(cudnnSetTensor4dDescriptor(biasDescriptor, c.format, c.type.cudnn, 1, c.k, 1, 1));
        cudnnActivationDescriptor activation = new cudnnActivationDescriptor();
        ok(cudnnCreateActivationDescriptor(activation));
        ok(cudnnSetActivationDescriptor(activation, activationMode, nan, 0));
        long bytes = forwardWorkspace(c, 1);
        CUdeviceptr y = allocate((long) c.type.bytes * c.ySize());
        int status =
                cudnnConvolutionBiasActivationForward(
                        handle,
                        host(1),
                        c.x,
                        c.type.upload(x),
                        c.filter,
                        c.type.upload(w),
                        c.convolution,
                        algorithm,
                        allocate(bytes),
                        bytes,
                        host(1),
                        c.y,
                        c.type.upload(z),
                        biasDescriptor,
                        c.type.upload(bias),
                        activation,
                        c.y,
                        y);
        if (status != 0) {
            return status;
        }
        System.arraycopy(z, 0, result, 0, z.length);
        c.eachProduct((i, j, o) -> result[o] += x[i] * w[j]);
        for (int i = 0; i < result.length; i++) {
            // Channels last.
            double value = result[i] + bias[i % c.k];
            result[i] = activationMode == 1 ? Math.max(0, value) : value;
        }
        assertClose(c.type, result, c.type.download(y, result.length));
        return 0;
    }

    @Test
    void biasResidualAndActivationAreFused() {
        Case c = small();
        assertEquals(0, fused(c, 1, 0, new double[c.ySize()]));
        assertEquals(0, fused(c, 5, 1, new double[c.ySize()]));
        assertEquals(NOT_SUPPORTED, fused(c, 5, 0, new double[c.ySize()]));
        assertEquals(NOT_SUPPORTED, fused(c, 0, 1, new double[c.ySize()]));
        assertEquals(NOT_SUPPORTED, fused(c, 5, 1, CUDNN_PROPAGATE_NAN, new double[c.ySize()]));
    }

    @Test
    void theGradientOfABiasIsASumAndAddTensorItsCounterpart() {
        cudnnTensorDescriptor bias = new cudnnTensorDescriptor();
        cudnnTensorDescriptor map = new cudnnTensorDescriptor();
        ok(cudnnCreateTensorDescriptor(bias));
        ok(cudnnCreateTensorDescriptor(map));
        ok(cudnnSetTensor4dDescriptor(bias, NHWC, 0, 1, 3, 1, 1));
        ok(cudnnSetTensor4dDescriptor(map, NHWC, 0, 2, 3, 2, 2));
        double[] dy = Values.random(24, 1);
        CUdeviceptr db = allocate(12);
        CUdeviceptr y = Values.F32.upload(dy);
        ok(cudnnConvolutionBackwardBias(handle, host(1), map, y, host(0), bias, db));
        double[] sums = new double[3];
        for (int i = 0; i < dy.length; i++) {
            sums[i % 3] += dy[i];
        }
        assertClose(Values.F32, sums, Values.F32.download(db, 3));
        ok(cudnnAddTensor(handle, host(2), bias, db, host(1), map, y));
        assertClose(Values.F32, map(dy, i -> dy[i] + 2 * sums[i % 3]), Values.F32.download(y, 24));
    }

    @Test
    void theSearchForAlgorithmsHonoursTheWorkspaceAndSpoilsTheOutput() {
        Case c = small();
        cudnnConvolutionFwdAlgoPerf[] results = new cudnnConvolutionFwdAlgoPerf[8];
        for (int i = 0; i < results.length; i++) {
            results[i] = new cudnnConvolutionFwdAlgoPerf();
        }
        int[] count = new int[1];
        ok(
                cudnnGetConvolutionForwardAlgorithm_v7(
                        handle, c.x, c.filter, c.convolution, c.y, 8, count, results));
        assertEquals(2, count[0]);
        assertEquals(1, results[0].algo);
        assertEquals(forwardWorkspace(c, 1), results[0].memory);
        // JCudnn hands over all but the mathType.
        assertEquals(1, results[0].determinism);
        CUdeviceptr x = c.type.upload(Values.random(c.xSize(), 1));
        CUdeviceptr w = c.type.upload(Values.random(c.wSize(), 2));
        CUdeviceptr y = c.type.upload(new double[c.ySize()]);
        ok(
                cudnnFindConvolutionForwardAlgorithmEx(
                        handle,
                        c.x,
                        x,
                        c.filter,
                        w,
                        c.convolution,
                        c.y,
                        y,
                        8,
                        count,
                        results,
                        new Pointer(),
                        0));
        assertEquals(1, count[0]);
        assertEquals(0, results[0].algo);
        assertTrue(Double.isNaN(c.type.download(y, 1)[0]));
    }

    @Test
    void sizesWorkspacesTypesLayoutsAndPointersAreChecked() {
        Case c = small();
        CUdeviceptr x = c.type.upload(Values.random(c.xSize(), 1));
        CUdeviceptr w = c.type.upload(Values.random(c.wSize(), 2));
        CUdeviceptr y = allocate(1000);
        long bytes = forwardWorkspace(c, 1);
        CUdeviceptr workspace = allocate(bytes);
        assertEquals(BAD_PARAM, forward(c, x, w, 1, workspace, bytes - 1, y));
        assertEquals(NOT_SUPPORTED, forward(c, x, w, 6, workspace, bytes, y));
        assertEquals(BAD_PARAM, forward(c, x.withByteOffset(2), w, 0, workspace, bytes, y));
        ok(cudnnSetTensor4dDescriptor(c.y, NHWC, 2, 1, 8, 5, 4));
        assertEquals(BAD_PARAM, forward(c, x, w, 0, workspace, bytes, y));
        ok(cudnnSetTensor4dDescriptor(c.y, NHWC, 0, 1, 8, 5, 5));
        assertEquals(BAD_PARAM, forward(c, x, w, 0, workspace, bytes, y));
        ok(cudnnSetTensor4dDescriptor(c.y, NCHW, 2, 1, 8, 5, 5));
        assertEquals(NOT_SUPPORTED, forward(c, x, w, 0, workspace, bytes, y));
        assertEquals(BAD_PARAM, cudnnSetTensor4dDescriptor(c.y, NCHW, 2, 1, -8, 5, 5));
        ok(cudnnDestroyTensorDescriptor(c.y));
        assertEquals(BAD_PARAM, forward(c, x, w, 0, workspace, bytes, y));
        ok(cuCtxSynchronize());
    }

    private int forward(
            Case c, Pointer x, Pointer w, int algorithm, Pointer workspace, long bytes, Pointer y) {
        return cudnnConvolutionForward(
                handle,
                host(1),
                c.x,
                x,
                c.filter,
                w,
                c.convolution,
                algorithm,
                workspace,
                bytes,
                host(0),
                c.y,
                y);
    }

    @Test
    void anOutputThatIsTooSmallIsAnIllegalAddress() {
        Case c = small();
        CUdeviceptr x = c.type.upload(Values.random(c.xSize(), 1));
        CUdeviceptr w = c.type.upload(Values.random(c.wSize(), 2));
        CUdeviceptr y = allocate((long) c.type.bytes * c.ySize() - 2);
        ok(forward(c, x, w, 0, new Pointer(), 0, y));
        assertEquals(700, cuCtxSynchronize());
        assertTrue(device.standIn.lastFault().contains("y of a convolution"));
    }

    @Test
    void theLedgerHasTheShape() {
        Case c = small();
        checkForward(c);
        assertEquals(1, device.standIn.ledger().convolutions().size());
        Ledger.Convolution convolution = device.standIn.ledger().convolutions().get(0);
        assertEquals(2.0 * 25 * 8 * 8 * 9, convolution.flops());
        assertEquals(8, convolution.channelsIn());
        assertTrue(convolution.channelsLast());
    }
}
