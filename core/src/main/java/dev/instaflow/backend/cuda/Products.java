package dev.instaflow.backend.cuda;

import dev.instaflow.backend.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.IntSupplier;
import jcuda.Pointer;
import jcuda.cudaDataType;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasGemmAlgo;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasMath;
import jcuda.jcublas.cublasOperation;
import jcuda.jcublas.cublasStatus;
import jcuda.runtime.cudaStream_t;

/** Products of matrices, by cuBLAS. Thread-safe. */
final class Products {
    /** What NVIDIA advises for Hopper, and for what came before. A fixed place lets a program be recorded. */
    private static final long HOPPER_WORKSPACE = 32L << 20;

    private static final long WORKSPACE = 4L << 20;
    private static final int HOPPER = 90;

    private static final Pointer ONE = hostFloat(1);
    private static final Pointer ZERO = hostFloat(0);

    private final CudaContext context;
    private final DevicePool pool;
    private final long workspaceBytes;
    private cublasHandle handle;
    private Arena.Range workspace;

    Products(CudaContext context, DevicePool pool, int computeCapability) {
        this.context = context;
        this.pool = pool;
        this.workspaceBytes = computeCapability >= HOPPER ? HOPPER_WORKSPACE : WORKSPACE;
    }

    /** A factor where cuBLAS and cuDNN look for one. */
    static Pointer hostFloat(float value) {
        return Pointer.to(
                ByteBuffer.allocateDirect(Float.BYTES)
                        .order(ByteOrder.nativeOrder())
                        .putFloat(0, value));
    }

    /**
     * Sizes of {@code y = x W^T} and its gradients, all row-major.
     *
     * @param rows of x [rows,in] and y [rows,out]
     * @param in columns of W [out,in]
     * @param out rows of W
     */
    record Sizes(long rows, long in, long out) {}

    /** Addresses of the matrices, or of their gradients. */
    record Operands(long x, long weight, long y) {}

    /** Begins {@code y = x W^T}. */
    void multiply(Numerics numerics, Sizes sizes, Operands operands, Object what) {
        int in = Math.toIntExact(sizes.in());
        int out = Math.toIntExact(sizes.out());
        int rows = Math.toIntExact(sizes.rows());
        int type = numerics.blasType();
        // cuBLAS has columns where we have rows: y^T = W x^T, and what is W to us is W^T to it.
        Factor weight = new Factor(operands.weight(), cublasOperation.CUBLAS_OP_T, in);
        Factor x = new Factor(operands.x(), cublasOperation.CUBLAS_OP_N, in);
        Result y = new Result(operands.y(), type, out, rows, in);
        begin(numerics, weight, x, y, what);
    }

    /** Begins {@code dx = dy W}. */
    void inputGradient(Numerics numerics, Sizes sizes, Operands operands, Object what) {
        int in = Math.toIntExact(sizes.in());
        int out = Math.toIntExact(sizes.out());
        int rows = Math.toIntExact(sizes.rows());
        Factor weight = new Factor(operands.weight(), cublasOperation.CUBLAS_OP_N, in);
        Factor dy = new Factor(operands.y(), cublasOperation.CUBLAS_OP_N, out);
        Result dx = new Result(operands.x(), numerics.blasType(), in, rows, out);
        begin(numerics, weight, dy, dx, what);
    }

    /** Begins {@code dW = dy^T x}, which is F32. */
    void weightGradient(Numerics numerics, Sizes sizes, Operands operands, Object what) {
        int in = Math.toIntExact(sizes.in());
        int out = Math.toIntExact(sizes.out());
        int rows = Math.toIntExact(sizes.rows());
        Factor x = new Factor(operands.x(), cublasOperation.CUBLAS_OP_N, in);
        Factor dy = new Factor(operands.y(), cublasOperation.CUBLAS_OP_T, out);
        Result dw = new Result(operands.weight(), cudaDataType.CUDA_R_32F, in, out, rows);
        begin(numerics, x, dy, dw, what);
    }

    /** An operand as cuBLAS has it: address, operation, and the distance of its columns, our rows. */
    private record Factor(long address, int operation, int pitch) {}

    /** A result as cuBLAS has it, [m,n] without gaps, sums over k. */
    private record Result(long address, int type, int m, int n, int k) {}

    private void begin(Numerics numerics, Factor a, Factor b, Result c, Object what) {
        int type = numerics.blasType();
        context.exclusively(
                () -> {
                    cublasHandle ready = handle();
                    call(
                            "cublasGemmEx",
                            what,
                            () ->
                                    JCublas2.cublasGemmEx_new(
                                            ready,
                                            a.operation(),
                                            b.operation(),
                                            c.m(),
                                            c.n(),
                                            c.k(),
                                            ONE,
                                            DevicePointer.at(a.address()),
                                            type,
                                            a.pitch(),
                                            DevicePointer.at(b.address()),
                                            type,
                                            b.pitch(),
                                            ZERO,
                                            DevicePointer.at(c.address()),
                                            c.type(),
                                            c.m(),
                                            numerics.computeType(),
                                            cublasGemmAlgo.CUBLAS_GEMM_DEFAULT));
                    context.counter().countLaunch();
                    return what;
                });
    }

    private cublasHandle handle() {
        if (handle == null) {
            cublasHandle fresh = new cublasHandle();
            call("cublasCreate", "products", () -> JCublas2.cublasCreate(fresh));
            handle = fresh;
            cudaStream_t stream = new cudaStream_t(context.stream());
            call("cublasSetStream", "products", () -> JCublas2.cublasSetStream(fresh, stream));
            workspace = pool.take(DevicePool.Purpose.WEIGHTS, workspaceBytes, "cuBLAS' workspace");
            call(
                    "cublasSetWorkspace",
                    "products",
                    () ->
                            JCublas2.cublasSetWorkspace(
                                    fresh, DevicePointer.at(workspace.address()), workspaceBytes));
            call(
                    "cublasSetMathMode",
                    "products",
                    // Partial sums stay F32.
                    () ->
                            JCublas2.cublasSetMathMode(
                                    fresh,
                                    cublasMath.CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION));
        }
        return handle;
    }

    private void call(String function, Object what, IntSupplier call) {
        context.call(cublasStatus::stringFor, function, what, call);
    }

    /** Frees what cuBLAS holds, as far as it still does it. */
    void close() {
        if (handle != null) {
            context.release(() -> JCublas2.cublasDestroy(handle));
        }
    }
}
