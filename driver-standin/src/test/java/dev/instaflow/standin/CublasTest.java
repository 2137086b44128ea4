package dev.instaflow.standin;

import static dev.instaflow.standin.DriverFixture.allocate;
import static dev.instaflow.standin.DriverFixture.ok;
import static jcuda.driver.JCudaDriver.cuCtxSynchronize;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.jcublas.JCublas2.cublasCreate;
import static jcuda.jcublas.JCublas2.cublasDestroy;
import static jcuda.jcublas.JCublas2.cublasGemmEx_new;
import static jcuda.jcublas.JCublas2.cublasGemmStridedBatchedEx_new;
import static jcuda.jcublas.JCublas2.cublasSetPointerMode;
import static jcuda.jcublas.JCublas2.cublasSetStream;
import static jcuda.jcublas.JCublas2.cublasSgemm;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasHandle;
import jcuda.runtime.cudaStream_t;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Matrix products of the stand-in, and what it refuses. */
class CublasTest {
    private static final int COMPUTE_32F = 68;
    private static final int DEFAULT_ALGORITHM = -1;
    private static final int INVALID_VALUE = 7;
    private static final int EXECUTION_FAILED = 13;
    private static final int NOT_SUPPORTED = 15;

    private DriverFixture device;
    private cublasHandle handle;

    @BeforeEach
    void start() {
        device = DriverFixture.start(StandInSettings.fast());
        JCublas2.setExceptionsEnabled(false);
        handle = new cublasHandle();
        ok(cublasCreate(handle));
    }

    /** Sizes, transposition and the padding of leading dimensions. */
    private record Case(int m, int n, int k, int batch, int transA, int transB, int padding) {
        int lda() {
            return (transA == 0 ? m : k) + padding;
        }

        int ldb() {
            return (transB == 0 ? k : n) + padding;
        }

        int ldc() {
            return m + padding;
        }

        int sizeA() {
            return lda() * (transA == 0 ? k : m);
        }

        int sizeB() {
            return ldb() * (transB == 0 ? n : k);
        }

        int sizeC() {
            return ldc() * n;
        }

        double a(double[] a, int batch, int i, int p) {
            return a[batch * sizeA() + (transA == 0 ? p * lda() + i : i * lda() + p)];
        }

        double b(double[] b, int batch, int p, int j) {
            return b[batch * sizeB() + (transB == 0 ? j * ldb() + p : p * ldb() + j)];
        }
    }

    @ParameterizedTest
    @CsvSource({
        "1, 1, 1, 1, 0, 0, 0",
        "7, 31, 33, 1, 0, 0, 0",
        "33, 7, 257, 1, 1, 0, 5",
        "100, 130, 31, 1, 0, 1, 3",
        "31, 65, 100, 3, 1, 1, 1",
        "8, 64, 40, 5, 1, 0, 0",
    })
    void productsAreThoseOfDoubles(
            int m, int n, int k, int batch, int transA, int transB, int padding) {
        Case c = new Case(m, n, k, batch, transA, transB, padding);
        for (Values type : Values.values()) {
            check(c, type, type, 1, 0);
            check(c, type, type, 0.5f, -2);
            check(c, type, Values.F32, 2, 1);
        }
    }

    private void check(Case c, Values in, Values out, float alpha, float beta) {
        double[] a = Values.random(c.batch * c.sizeA(), 1);
        double[] b = Values.random(c.batch * c.sizeB(), 2);
        double[] old = Values.random(c.batch * c.sizeC(), 3);
        CUdeviceptr y = out.upload(old);
        ok(gemm(c, in, out, alpha, in.upload(a), in.upload(b), beta, y));
        double[] result = out.download(y, old.length);
        for (int at = 0; at < result.length; at++) {
            int q = at / c.sizeC();
            int j = at % c.sizeC() / c.ldc();
            int i = at % c.ldc();
            double expected = old[at];
            double bound = 0;
            if (i < c.m) {
                double sum = 0;
                for (int p = 0; p < c.k; p++) {
                    sum += c.a(a, q, i, p) * c.b(b, q, p, j);
                }
                expected = alpha * sum + beta * old[at];
                bound = out.halfUlp(expected);
            }
            double difference = Math.abs(result[at] - expected);
            assertTrue(
                    difference <= bound,
                    c + " " + in + " " + out + " at " + at + ": " + difference);
        }
    }

    private int gemm(
            Case c,
            Values in,
            Values out,
            float alpha,
            CUdeviceptr a,
            CUdeviceptr b,
            float beta,
            CUdeviceptr y) {
        Pointer alphaAt = Pointer.to(new float[] {alpha});
        Pointer betaAt = Pointer.to(new float[] {beta});
        if (c.batch == 1) {
            return cublasGemmEx_new(
                    handle,
                    c.transA,
                    c.transB,
                    c.m,
                    c.n,
                    c.k,
                    alphaAt,
                    a,
                    in.cuda,
                    c.lda(),
                    b,
                    in.cuda,
                    c.ldb(),
                    betaAt,
                    y,
                    out.cuda,
                    c.ldc(),
                    COMPUTE_32F,
                    DEFAULT_ALGORITHM);
        }
        return cublasGemmStridedBatchedEx_new(
                handle,
                c.transA,
                c.transB,
                c.m,
                c.n,
                c.k,
                alphaAt,
                a,
                in.cuda,
                c.lda(),
                c.sizeA(),
                b,
                in.cuda,
                c.ldb(),
                c.sizeB(),
                betaAt,
                y,
                out.cuda,
                c.ldc(),
                c.sizeC(),
                c.batch,
                COMPUTE_32F,
                DEFAULT_ALGORITHM);
    }

    @Test
    void theLedgerHasShapesTypesAndFlops() {
        Case c = new Case(8, 16, 32, 1, 1, 0, 0);
        check(c, Values.F16, Values.F16, 1, 0);
        List<Ledger.Gemm> gemms = device.standIn.ledger().gemms();
        assertEquals(
                List.of(
                        new Ledger.Gemm(
                                8,
                                16,
                                32,
                                1,
                                true,
                                false,
                                List.of(2, 2, 2),
                                COMPUTE_32F,
                                2.0 * 8 * 16 * 32,
                                2.0 * (8 * 32 + 32 * 16 + 8 * 16))),
                gemms);
        assertEquals(1, device.standIn.ledger().calls("cublasGemmEx"));
    }

    @Test
    void scalarsMayLieOnTheDevice() {
        CUdeviceptr a = Values.F32.upload(new double[] {3});
        CUdeviceptr b = Values.F32.upload(new double[] {5});
        CUdeviceptr y = Values.F32.upload(new double[] {100});
        CUdeviceptr scalars = Values.F32.upload(new double[] {2, 0.5});
        ok(cublasSetPointerMode(handle, 1));
        ok(
                cublasSgemm(
                        handle,
                        0,
                        0,
                        1,
                        1,
                        1,
                        scalars,
                        a,
                        1,
                        b,
                        1,
                        scalars.withByteOffset(4),
                        y,
                        1));
        assertEquals(80, Values.F32.download(y, 1)[0]);
    }

    @Test
    void whatAProductWouldReadOutsideAnAllocationIsAnIllegalAddress() {
        CUdeviceptr small = allocate(4 * 15);
        CUdeviceptr y = allocate(4 * 16);
        ok(gemm(new Case(4, 4, 4, 1, 0, 0, 0), Values.F32, Values.F32, 1, small, y16(), 0, y));
        assertEquals(700, cuCtxSynchronize());
        assertTrue(device.standIn.lastFault().contains("operand a"), device.standIn.lastFault());
        assertEquals(700, cuMemFree(small));
    }

    @Test
    void aCapturedProductRunsAtEachLaunchOfItsGraph() {
        CUstream stream = new CUstream();
        ok(JCudaDriver.cuStreamCreate(stream, 1));
        ok(cublasSetStream(handle, new cudaStream_t(stream)));
        Pointer one = Pointer.to(new float[] {1});
        CUdeviceptr two = Values.F32.upload(new double[] {2});
        CUdeviceptr y = Values.F32.upload(new double[] {0});
        ok(JCudaDriver.cuStreamBeginCapture(stream, 0));
        ok(cublasSgemm(handle, 0, 0, 1, 1, 1, one, two, 1, two, 1, one, y, 1));
        CUgraph graph = new CUgraph();
        ok(JCudaDriver.cuStreamEndCapture(stream, graph));
        assertEquals(0, Values.F32.download(y, 1)[0]);
        CUgraphExec exec = new CUgraphExec();
        ok(JCudaDriver.cuGraphInstantiate(exec, graph, 0));
        ok(JCudaDriver.cuGraphLaunch(exec, stream));
        ok(JCudaDriver.cuGraphLaunch(exec, stream));
        ok(cuCtxSynchronize());
        assertEquals(8, Values.F32.download(y, 1)[0]);
    }

    @Test
    void aCheckedProductDoesNotReadWhatNobodyWrote() {
        device = DriverFixture.start();
        ok(cublasCreate(handle));
        CUdeviceptr a = allocate(4 * 16);
        CUdeviceptr y = allocate(4 * 16);
        Pointer one = Pointer.to(new float[] {1});
        Pointer zero = Pointer.to(new float[] {0});
        // Columns of three, written; the gaps between them are not.
        for (int i = 0; i < 4; i++) {
            ok(JCudaDriver.cuMemsetD32(a.withByteOffset(16 * i), 0, 3));
        }
        ok(cublasSgemm(handle, 0, 0, 3, 4, 3, one, a, 4, a, 4, zero, y, 4));
        ok(cublasSgemm(handle, 0, 0, 3, 4, 3, one, a, 4, y, 4, one, y16(), 4));
        ok(cuCtxSynchronize());
        ok(cublasSgemm(handle, 0, 0, 4, 4, 3, one, y, 4, a, 4, zero, y16(), 4));
        assertEquals(719, cuCtxSynchronize());
        assertTrue(device.standIn.lastFault().contains("operand a"), device.standIn.lastFault());
    }

    private static CUdeviceptr y16() {
        return Values.F32.upload(new double[16]);
    }

    @Test
    void leadingDimensionsTypesAndOverlapAreChecked() {
        CUdeviceptr a = y16();
        CUdeviceptr b = y16();
        CUdeviceptr y = y16();
        Pointer one = Pointer.to(new float[] {1});
        assertEquals(INVALID_VALUE, cublasSgemm(handle, 0, 0, 4, 4, 4, one, a, 3, b, 4, one, y, 4));
        assertEquals(INVALID_VALUE, cublasSgemm(handle, 0, 0, 4, 4, 4, one, a, 4, b, 4, one, a, 4));
        assertEquals(
                INVALID_VALUE,
                cublasSgemm(handle, 0, 0, 4, 4, 4, one, a.withByteOffset(2), 4, b, 4, one, y, 4));
        assertEquals(
                NOT_SUPPORTED,
                cublasGemmEx_new(
                        handle,
                        0,
                        0,
                        4,
                        4,
                        4,
                        one,
                        a,
                        0,
                        4,
                        b,
                        2,
                        4,
                        one,
                        y,
                        0,
                        4,
                        COMPUTE_32F,
                        DEFAULT_ALGORITHM));
        assertEquals(
                NOT_SUPPORTED,
                cublasGemmEx_new(
                        handle,
                        0,
                        0,
                        4,
                        4,
                        4,
                        one,
                        a,
                        2,
                        4,
                        b,
                        2,
                        4,
                        one,
                        y,
                        2,
                        4,
                        64,
                        DEFAULT_ALGORITHM));
        ok(cuCtxSynchronize());
    }

    @Test
    void aDestroyedHandleIsRefusedAndALiveOneLeaks() {
        assertTrue(
                device.standIn.leaks().stream()
                        .anyMatch(
                                leak ->
                                        leak.kind().equals("cuBLAS handle")
                                                && leak.where().contains("CublasTest.start")));
        ok(cublasDestroy(handle));
        assertEquals(1, cublasDestroy(handle));
    }

    @Test
    void aProductFailsWhereATestWantsIt() {
        device.standIn.failCall("cublasSgemm", 2, EXECUTION_FAILED);
        Pointer one = Pointer.to(new float[] {1});
        CUdeviceptr a = y16();
        CUdeviceptr y = y16();
        ok(cublasSgemm(handle, 0, 0, 4, 4, 4, one, a, 4, a, 4, one, y, 4));
        assertEquals(
                EXECUTION_FAILED, cublasSgemm(handle, 0, 0, 4, 4, 4, one, a, 4, a, 4, one, y, 4));
        ok(cublasSgemm(handle, 0, 0, 4, 4, 4, one, a, 4, a, 4, one, y, 4));
    }
}
