package dev.instaflow.standin;

import static dev.instaflow.standin.DriverFixture.LEGACY;
import static dev.instaflow.standin.DriverFixture.allocate;
import static dev.instaflow.standin.DriverFixture.direct;
import static dev.instaflow.standin.DriverFixture.download;
import static dev.instaflow.standin.DriverFixture.launch;
import static dev.instaflow.standin.DriverFixture.ok;
import static dev.instaflow.standin.DriverFixture.pinned;
import static dev.instaflow.standin.DriverFixture.random;
import static dev.instaflow.standin.DriverFixture.upload;
import static jcuda.driver.JCudaDriver.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmemLocation;
import jcuda.driver.CUmemPoolProps;
import jcuda.driver.CUmemoryPool;
import jcuda.driver.CUstream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Rules of device and pinned memory. */
class MemoryTest {
    private static final int INVALID_VALUE = 1;
    private static final int OUT_OF_MEMORY = 2;
    private static final int ILLEGAL_ADDRESS = 700;

    private DriverFixture device;
    private CUstream stream;

    @BeforeEach
    void start() {
        device = DriverFixture.start(StandInSettings.checked().withMemoryBytes(1 << 20));
        stream = new CUstream();
        ok(cuStreamCreate(stream, 1));
    }

    @Test
    void memoryEndsWhereTheSettingsSay() {
        CUdeviceptr half = allocate(1 << 19);
        assertEquals(OUT_OF_MEMORY, cuMemAlloc(new CUdeviceptr(), (1 << 19) + 1));
        long[] free = new long[1];
        long[] total = new long[1];
        ok(cuMemGetInfo(free, total));
        assertEquals(1 << 19, free[0]);
        assertEquals(1 << 20, total[0]);
        ok(cuMemFree(half));
        ok(cuMemFree(allocate(1 << 20)));
    }

    @Test
    void memoryIsFreedOnceAndByItsStart() {
        CUdeviceptr pointer = allocate(100);
        assertEquals(INVALID_VALUE, cuMemFree(pointer.withByteOffset(4)));
        ok(cuMemFree(pointer));
        assertEquals(INVALID_VALUE, cuMemFree(pointer));
        assertEquals(INVALID_VALUE, cuMemFreeAsync(pointer, stream));
        assertTrue(device.standIn.lastFault().contains("freed 100 bytes"));
    }

    @Test
    void copiesStayWithinAnAllocation() {
        CUdeviceptr pointer = allocate(100);
        ByteBuffer host = direct(200);
        assertEquals(INVALID_VALUE, cuMemcpyHtoD(pointer, Pointer.to(host), 101));
        assertEquals(INVALID_VALUE, cuMemcpyDtoH(Pointer.to(host), pointer.withByteOffset(1), 100));
        assertEquals(INVALID_VALUE, cuMemcpyDtoD(pointer, allocate(99), 100));
        assertEquals(INVALID_VALUE, cuMemsetD8(pointer, (byte) 1, 101));
        assertEquals(INVALID_VALUE, cuMemsetD32(pointer.withByteOffset(2), 1, 4));
        ok(cuMemcpyHtoD(pointer, Pointer.to(host), 100));
    }

    @Test
    void memsetsRepeatTheirPattern() {
        CUdeviceptr pointer = allocate(12);
        ok(cuMemsetD32(pointer, 0x3f800000, 3));
        ok(cuMemsetD16(pointer.withByteOffset(4), (short) 0x4000, 2));
        ok(cuMemsetD8(pointer.withByteOffset(8), (byte) 0, 4));
        assertArrayEquals(
                new float[] {1, Float.intBitsToFloat(0x40004000), 0}, download(pointer, 3));
    }

    @Test
    void newMemoryIsFullOfNans() {
        assertTrue(Float.isNaN(download(allocate(4), 1)[0]));
    }

    @Test
    void aKernelThatReadsWhatNobodyWroteIsAFault() {
        CUfunction vadd = device.function("vadd");
        ok(launch(vadd, 1, LEGACY, allocate(4), allocate(4), upload(1), 1));
        assertEquals(719, cuCtxSynchronize());
        assertTrue(device.standIn.lastFault().contains("UNINITIALISED_READ"));
    }

    @Test
    void copiesWithinTheDeviceCarryWhetherBytesWereWritten() {
        CUfunction vadd = device.function("vadd");
        CUdeviceptr part = allocate(8);
        ok(cuMemcpyHtoD(part, Pointer.to(new float[] {2}), 4));
        CUdeviceptr copy = allocate(8);
        ok(cuMemcpyDtoD(copy, part, 8));
        CUdeviceptr y = allocate(8);
        ok(launch(vadd, 1, LEGACY, y, copy, copy, 1));
        assertEquals(4, download(y, 1)[0]);
        ok(launch(vadd, 1, LEGACY, y, copy, copy, 2));
        assertEquals(719, cuCtxSynchronize());
    }

    @Test
    void streamOrderedMemoryIsUsableUntilItsReleaseInTheStream() {
        CUfunction vadd = device.function("vadd");
        CUdeviceptr a = upload(random(10, 1));
        CUdeviceptr y = new CUdeviceptr();
        ok(cuMemAllocAsync(y, 40, stream));
        ok(launch(vadd, 1, stream, y, a, a, 10));
        ok(cuMemFreeAsync(y, stream));
        ok(cuStreamSynchronize(stream));
        ok(launch(vadd, 1, stream, y, a, a, 10));
        assertEquals(ILLEGAL_ADDRESS, cuStreamSynchronize(stream));
        assertTrue(
                device.standIn.lastFault().contains("USE_AFTER_FREE"), device.standIn.lastFault());
    }

    @Test
    void anotherStreamThatDoesNotWaitMeetsMemoryThatIsNotThereYet() {
        CUstream other = new CUstream();
        ok(cuStreamCreate(other, 1));
        CUdeviceptr pointer = new CUdeviceptr();
        ok(cuMemAllocAsync(pointer, 40, stream));
        ok(cuMemsetD8Async(pointer, (byte) 0, 40, other));
        assertEquals(ILLEGAL_ADDRESS, cuStreamSynchronize(other));
        assertTrue(device.standIn.lastFault().contains("not yet allocated"));
    }

    @Test
    void aPoolHandsOutMemoryUntilItIsDestroyed() {
        CUmemPoolProps properties = new CUmemPoolProps();
        properties.allocType = 1;
        properties.location = new CUmemLocation();
        properties.location.type = 1;
        CUmemoryPool pool = new CUmemoryPool();
        ok(cuMemPoolCreate(pool, properties));
        CUdeviceptr pointer = new CUdeviceptr();
        // The second fits once the stream has given the first back.
        for (int i = 0; i < 2; i++) {
            ok(cuMemAllocFromPoolAsync(pointer, 1 << 20, pool, stream));
            ok(cuMemFreeAsync(pointer, stream));
        }
        ok(cuMemPoolTrimTo(pool, 0));
        ok(cuMemPoolDestroy(pool));
        assertEquals(400, cuMemAllocFromPoolAsync(pointer, 8, pool, stream));
    }

    @Test
    void aCopyFromPinnedMemoryReadsItWhenTheStreamGetsThere() {
        Pointer host = pinned(4);
        ByteBuffer bytes = DriverFixture.bytes(host, 4);
        CUdeviceptr pointer = upload(0);
        bytes.putFloat(0, 1);
        ok(cuMemcpyHtoDAsync(pointer, host, 4, stream));
        bytes.putFloat(0, 2);
        ok(cuStreamSynchronize(stream));
        assertEquals(2, download(pointer, 1)[0]);
        ok(cuMemFreeHost(host));
    }

    @Test
    void aCopyFromPageableMemoryReadsItAtOnce() {
        ByteBuffer host = direct(4).putFloat(0, 1);
        CUdeviceptr pointer = upload(0);
        ok(cuMemcpyHtoDAsync(pointer, Pointer.to(host), 4, stream));
        host.putFloat(0, 2);
        ok(cuStreamSynchronize(stream));
        assertEquals(1, download(pointer, 1)[0]);
    }

    @Test
    void aHostThatDoesNotWaitReadsOldBytes() {
        CUdeviceptr pointer = upload(5);
        Pointer host = pinned(4);
        ByteBuffer bytes = DriverFixture.bytes(host, 4).putFloat(0, -1);
        ok(cuMemcpyDtoHAsync(host, pointer, 4, stream));
        assertEquals(-1, bytes.getFloat(0));
        ok(cuStreamSynchronize(stream));
        assertEquals(5, bytes.getFloat(0));
    }

    @Test
    void pinnedMemoryThatIsFreedUnderACopyIsFoundOut() {
        CUdeviceptr pointer = upload(5);
        Pointer host = pinned(4);
        ok(cuMemcpyDtoHAsync(host, pointer, 4, stream));
        ok(cuMemFreeHost(host));
        assertEquals(INVALID_VALUE, cuMemFreeHost(host));
        assertEquals(ILLEGAL_ADDRESS, cuStreamSynchronize(stream));
    }

    @Test
    void hostMemoryIsRegisteredOnce() {
        Pointer host = Pointer.to(direct(64));
        ok(cuMemHostRegister(host, 64, 0));
        assertEquals(712, cuMemHostRegister(host, 64, 0));
        ok(cuMemHostUnregister(host));
        assertEquals(713, cuMemHostUnregister(host));
    }

    @Test
    void aCopyIntoAnArrayDoesNotWaitForKernels() {
        CUfunction vadd = device.function("vadd");
        CUdeviceptr a = upload(1);
        CUdeviceptr y = allocate(4);
        ok(launch(vadd, 1, LEGACY, y, a, a, 1));
        float[] result = new float[1];
        assertEquals(800, cuMemcpyDtoH(Pointer.to(result), y, 4));
        ok(cuCtxSynchronize());
        ok(cuMemcpyDtoH(Pointer.to(result), y, 4));
        assertEquals(2, result[0]);
    }

    @Test
    void variablesOfModulesAreDeviceMemory() {
        CUfunction scale = device.function("scale_shared");
        CUdeviceptr factor = new CUdeviceptr();
        long[] size = new long[1];
        ok(cuModuleGetGlobal(factor, size, device.module(), "factor"));
        assertEquals(4, size[0]);
        assertEquals(3, download(factor, 1)[0]);
        ok(cuMemcpyHtoD(factor, Pointer.to(new float[] {10}), 4));
        CUdeviceptr y = upload(1, 2, 3);
        Pointer parameters = Pointer.to(Pointer.to(y), Pointer.to(new int[] {3}));
        ok(cuLaunchKernel(scale, 1, 1, 1, 32, 1, 1, 128, LEGACY, parameters, null));
        assertArrayEquals(new float[] {30, 20, 10}, download(y, 3));
        assertEquals(500, cuModuleGetGlobal(factor, size, device.module(), "no such variable"));
    }
}
