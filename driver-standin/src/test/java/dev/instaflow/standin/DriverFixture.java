package dev.instaflow.standin;

import static jcuda.driver.JCudaDriver.cuCtxCreate;
import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuInit;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemHostAlloc;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/** A device under JCuda, as the tests of this module use it. */
final class DriverFixture {
    static final CUstream LEGACY = null;

    final StandIn standIn;
    final CUcontext context = new CUcontext();
    private final CUmodule module = new CUmodule();

    private DriverFixture(StandIn standIn) {
        this.standIn = standIn;
    }

    /** A device with a current context. Calls return their status; they do not throw. */
    static DriverFixture start(StandInSettings settings) {
        StandIn standIn = StandIn.install(settings);
        JCudaDriver.setExceptionsEnabled(false);
        DriverFixture fixture = new DriverFixture(standIn);
        ok(cuInit(0));
        CUdevice device = new CUdevice();
        ok(cuDeviceGet(device, 0));
        cuCtxSetCurrent(new CUcontext());
        ok(cuCtxCreate(fixture.context, 0, device));
        return fixture;
    }

    static DriverFixture start() {
        return start(StandInSettings.checked());
    }

    /** A call that has to succeed. */
    static void ok(int status) {
        assertEquals(0, status, () -> NativeBridge.lastMessage());
    }

    static String ptx() {
        try (InputStream in = DriverFixture.class.getResourceAsStream("vadd.ptx")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    CUfunction function(String name) {
        ok(cuModuleLoadData(module, ptx()));
        CUfunction function = new CUfunction();
        ok(cuModuleGetFunction(function, module, name));
        return function;
    }

    CUmodule module() {
        return module;
    }

    static CUdeviceptr allocate(long bytes) {
        CUdeviceptr pointer = new CUdeviceptr();
        ok(cuMemAlloc(pointer, bytes));
        return pointer;
    }

    static CUdeviceptr upload(float... values) {
        CUdeviceptr pointer = allocate(4L * values.length);
        ok(cuMemcpyHtoD(pointer, Pointer.to(values), 4L * values.length));
        return pointer;
    }

    static float[] download(CUdeviceptr pointer, int count) {
        ByteBuffer bytes = direct(4 * count);
        ok(cuMemcpyDtoH(Pointer.to(bytes), pointer, 4L * count));
        float[] values = new float[count];
        bytes.asFloatBuffer().get(values);
        return values;
    }

    static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    /** Pinned memory of the host, as the driver gives it. */
    static Pointer pinned(long bytes) {
        Pointer pointer = new Pointer();
        ok(cuMemHostAlloc(pointer, bytes, 0));
        return pointer;
    }

    static ByteBuffer bytes(Pointer pinned, long bytes) {
        return pinned.getByteBuffer(0, bytes).order(ByteOrder.nativeOrder());
    }

    static float[] random(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextFloat() * 2 - 1;
        }
        return values;
    }

    /** {@code y = a + b}, blocks of 32 threads. */
    static int launch(
            CUfunction function,
            int blocks,
            CUstream stream,
            CUdeviceptr y,
            CUdeviceptr a,
            CUdeviceptr b,
            int n) {
        Pointer parameters =
                Pointer.to(Pointer.to(y), Pointer.to(a), Pointer.to(b), Pointer.to(new int[] {n}));
        return cuLaunchKernel(function, blocks, 1, 1, 32, 1, 1, 0, stream, parameters, null);
    }
}
