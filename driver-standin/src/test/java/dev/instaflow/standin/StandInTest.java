package dev.instaflow.standin;

import static dev.instaflow.standin.DriverFixture.LEGACY;
import static dev.instaflow.standin.DriverFixture.allocate;
import static dev.instaflow.standin.DriverFixture.download;
import static dev.instaflow.standin.DriverFixture.launch;
import static dev.instaflow.standin.DriverFixture.ok;
import static dev.instaflow.standin.DriverFixture.upload;
import static jcuda.driver.JCudaDriver.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUstream;
import org.junit.jupiter.api.Test;

/** What a test sets up and asks for. */
class StandInTest {
    @Test
    void theDeviceIsWhatTheSettingsSay() {
        DriverFixture.start(
                StandInSettings.checked().withComputeCapability(90).withMemoryBytes(80L << 30));
        CUdevice device = new CUdevice();
        ok(cuDeviceGet(device, 0));
        int[] value = new int[1];
        ok(cuDeviceGetAttribute(value, 75, device));
        assertEquals(9, value[0]);
        ok(cuDeviceGetAttribute(value, 97, device));
        assertEquals(232_448, value[0]);
        long[] bytes = new long[1];
        ok(cuDeviceTotalMem(bytes, device));
        assertEquals(80L << 30, bytes[0]);
        ok(cuDriverGetVersion(value));
        assertEquals(12_060, value[0]);
        byte[] name = new byte[64];
        ok(cuDeviceGetName(name, name.length, device));
        assertTrue(
                new String(name, java.nio.charset.StandardCharsets.US_ASCII)
                        .startsWith("Stand-in sm_90"));
    }

    @Test
    void aMachineMayHaveNoDeviceOrABrokenDriver() {
        StandIn.install(StandInSettings.checked().withInitStatus(100));
        assertEquals(100, cuInit(0));
        assertEquals(3, cuDeviceGetCount(new int[1]));
        StandIn.install(StandInSettings.checked().withDevices(0));
        ok(cuInit(0));
        int[] count = {-1};
        ok(cuDeviceGetCount(count));
        assertEquals(0, count[0]);
        assertEquals(101, cuDeviceGet(new CUdevice(), 0));
    }

    @Test
    void leaksAreListedWithWhereTheyWereMade() {
        DriverFixture device = DriverFixture.start();
        CUstream stream = new CUstream();
        ok(cuStreamCreate(stream, 0));
        CUdeviceptr pointer = allocate(1000);
        List<Leak> leaks = device.standIn.leaks();
        assertEquals(
                List.of("context", "stream", "device memory"),
                leaks.stream().map(Leak::kind).toList());
        assertEquals(1000, leaks.get(2).bytes());
        assertTrue(leaks.get(1).where().contains("leaksAreListedWithWhereTheyWereMade"));
        ok(cuMemFree(pointer));
        ok(cuStreamDestroy(stream));
        ok(cuCtxDestroy(device.context));
        assertEquals(List.of(), device.standIn.leaks());
    }

    @Test
    void aPrimaryContextIsReleasedAsOftenAsItWasRetained() {
        DriverFixture device = DriverFixture.start();
        CUdevice first = new CUdevice();
        ok(cuDeviceGet(first, 0));
        CUcontext context = new CUcontext();
        ok(cuDevicePrimaryCtxRetain(context, first));
        ok(cuDevicePrimaryCtxRetain(context, first));
        ok(cuCtxSetCurrent(context));
        allocate(8);
        ok(cuDevicePrimaryCtxRelease(first));
        allocate(8);
        ok(cuDevicePrimaryCtxRelease(first));
        assertEquals(201, cuDevicePrimaryCtxRelease(first));
        assertEquals(709, cuMemAlloc(new CUdeviceptr(), 8));
        assertEquals(List.of("context"), device.standIn.leaks().stream().map(Leak::kind).toList());
    }

    @Test
    void callsAndKernelsFailWhereATestWantsIt() {
        DriverFixture device = DriverFixture.start();
        CUfunction vadd = device.function("vadd");
        device.standIn.failCall("cuMemAlloc", 2, 2);
        CUdeviceptr y = allocate(4);
        assertEquals(2, cuMemAlloc(new CUdeviceptr(), 4));
        CUdeviceptr one = upload(1);
        device.standIn.failCall("cuLaunchKernel", 1, 701);
        assertEquals(701, launch(vadd, 1, LEGACY, y, one, one, 1));
        device.standIn.failKernel(2, 700);
        ok(launch(vadd, 1, LEGACY, y, one, one, 1));
        ok(launch(vadd, 1, LEGACY, y, one, one, 1));
        assertEquals(700, cuCtxSynchronize());
        assertTrue(device.standIn.lastFault().contains("which a test ordered"));
        assertThrows(IllegalArgumentException.class, () -> device.standIn.failCall("cuInit", 0, 1));
    }

    @Test
    void aDryDeviceCountsWithoutMemoryBehindIt() {
        DriverFixture device = DriverFixture.start(StandInSettings.dry());
        CUfunction vadd = device.function("vadd");
        int n = 1 << 30;
        CUdeviceptr a = allocate(4L * n);
        CUdeviceptr y = allocate(4L * n);
        ok(cuMemcpyHtoD(a, jcuda.Pointer.to(ByteBuffer.allocateDirect(8)), 8));
        ok(launch(vadd, n / 32, LEGACY, y, a, a, n));
        assertEquals(0, download(y, 2)[0]);
        Ledger.Kernel kernel = device.standIn.ledger().kernels().get(0);
        assertEquals("vadd", kernel.entry());
        assertEquals(n / 32, kernel.gridX());
        assertEquals(n, kernel.arguments().get(3));
        device.standIn.clearLedger();
        assertEquals(0, device.standIn.ledger().totalCalls());
    }

    @Test
    void settingsThatMakeNoSenseAreRefused() {
        StandInSettings settings = StandInSettings.checked();
        assertThrows(IllegalArgumentException.class, () -> settings.withMemoryBytes(0));
        assertThrows(IllegalArgumentException.class, () -> settings.withDevices(17));
        assertThrows(IllegalArgumentException.class, () -> settings.withComputeCapability(8));
        assertThrows(IllegalArgumentException.class, () -> settings.withThreads(0));
    }
}
