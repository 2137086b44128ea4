package dev.instaflow.standin;

import static dev.instaflow.standin.DriverFixture.LEGACY;
import static dev.instaflow.standin.DriverFixture.allocate;
import static dev.instaflow.standin.DriverFixture.download;
import static dev.instaflow.standin.DriverFixture.launch;
import static dev.instaflow.standin.DriverFixture.ok;
import static dev.instaflow.standin.DriverFixture.pinned;
import static dev.instaflow.standin.DriverFixture.upload;
import static jcuda.driver.JCudaDriver.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Contexts, the order of streams, events, and launches that are refused. */
class StreamTest {
    private static final int INVALID_VALUE = 1;
    private static final int INVALID_CONTEXT = 201;
    private static final int INVALID_HANDLE = 400;
    private static final int NOT_READY = 600;

    private DriverFixture device;
    private CUfunction vadd;

    @BeforeEach
    void start() {
        device = DriverFixture.start();
        vadd = device.function("vadd");
    }

    private static CUstream stream(int flags) {
        CUstream stream = new CUstream();
        ok(cuStreamCreate(stream, flags));
        return stream;
    }

    private static CUevent event() {
        CUevent event = new CUevent();
        ok(cuEventCreate(event, 0));
        return event;
    }

    @Test
    void workIsDoneWhenSomethingWaitsForItAndNoMoreThanThat() {
        CUstream first = stream(1);
        CUstream second = stream(1);
        CUdeviceptr one = upload(1);
        CUdeviceptr y = upload(0);
        CUdeviceptr z = upload(0);
        ok(launch(vadd, 1, first, y, one, one, 1));
        ok(launch(vadd, 1, second, z, y, one, 1));
        ok(cuStreamSynchronize(second));
        assertEquals(1, download(z, 1)[0], "the second stream did not wait for the first");
        ok(cuCtxSynchronize());
        assertEquals(2, download(y, 1)[0]);
    }

    @Test
    void anEventOrdersTwoStreams() {
        CUstream first = stream(1);
        CUstream second = stream(1);
        CUdeviceptr one = upload(1);
        CUdeviceptr y = upload(0);
        CUdeviceptr z = upload(0);
        CUevent event = event();
        ok(launch(vadd, 1, first, y, one, one, 1));
        ok(cuEventRecord(event, first));
        ok(cuStreamWaitEvent(second, event, 0));
        ok(launch(vadd, 1, second, z, y, one, 1));
        ok(cuStreamSynchronize(second));
        assertEquals(3, download(z, 1)[0]);
    }

    @Test
    void theDefaultStreamWaitsForBlockingStreamsOnly() {
        CUdeviceptr one = upload(1);
        for (int flags = 0; flags < 2; flags++) {
            CUdeviceptr y = upload(0);
            ok(launch(vadd, 1, stream(flags), y, one, one, 1));
            assertEquals(flags == 0 ? 2 : 0, download(y, 1)[0]);
        }
    }

    @Test
    void immediateOrderNeedsNoWaiting() {
        device =
                DriverFixture.start(
                        StandInSettings.checked().withOrder(StandInSettings.Order.IMMEDIATE));
        Pointer host = pinned(4);
        ByteBuffer bytes = DriverFixture.bytes(host, 4);
        ok(cuMemcpyDtoHAsync(host, upload(7), 4, stream(1)));
        assertEquals(7, bytes.getFloat(0));
    }

    @Test
    void eventsAndStreamsAreReadyAfterTheirWork() {
        CUstream stream = stream(1);
        CUevent start = event();
        CUevent end = event();
        CUdeviceptr one = upload(1);
        ok(cuEventRecord(start, stream));
        ok(launch(vadd, 1, stream, allocate(4), one, one, 1));
        ok(cuEventRecord(end, stream));
        float[] milliseconds = new float[1];
        assertEquals(NOT_READY, cuEventElapsedTime(milliseconds, start, end));
        assertEquals(NOT_READY, cuEventQuery(end));
        ok(cuEventSynchronize(end));
        ok(cuEventQuery(end));
        ok(cuStreamQuery(stream));
        ok(cuEventElapsedTime(milliseconds, start, end));
        assertTrue(milliseconds[0] > 0);
        assertEquals(INVALID_HANDLE, cuEventElapsedTime(milliseconds, start, event()));
    }

    @Test
    void handlesThatAreGoneAreRefused() {
        CUstream stream = stream(0);
        ok(cuStreamDestroy(stream));
        assertEquals(INVALID_HANDLE, cuStreamSynchronize(stream));
        assertEquals(INVALID_HANDLE, cuStreamDestroy(stream));
        CUevent event = event();
        ok(cuEventDestroy(event));
        assertEquals(INVALID_HANDLE, cuEventRecord(event, LEGACY));
        ok(cuModuleUnload(device.module()));
        assertEquals(INVALID_HANDLE, cuModuleUnload(device.module()));
        CUdeviceptr one = upload(1);
        assertEquals(INVALID_HANDLE, launch(vadd, 1, LEGACY, one, one, one, 1));
    }

    @Test
    void aModuleThatIsUnloadedUnderALaunchIsFoundOut() {
        CUdeviceptr one = upload(1);
        ok(launch(vadd, 1, LEGACY, allocate(4), one, one, 1));
        ok(cuModuleUnload(device.module()));
        assertEquals(719, cuCtxSynchronize());
    }

    @Test
    void aThreadNeedsACurrentContext() {
        assertEquals(
                INVALID_CONTEXT,
                CompletableFuture.supplyAsync(() -> cuMemAlloc(new CUdeviceptr(), 4)).join());
        assertEquals(
                0,
                CompletableFuture.supplyAsync(
                                () -> {
                                    ok(cuCtxPushCurrent(device.context));
                                    ok(cuMemAlloc(new CUdeviceptr(), 4));
                                    return cuCtxPopCurrent(new CUcontext());
                                })
                        .join());
        ok(cuCtxDestroy(device.context));
        assertEquals(INVALID_CONTEXT, cuMemAlloc(new CUdeviceptr(), 4));
        assertEquals(INVALID_CONTEXT, cuCtxDestroy(device.context));
    }

    @Test
    void geometryAndSharedMemoryAreChecked() {
        CUdeviceptr y = upload(1, 2, 3);
        Pointer parameters = Pointer.to(Pointer.to(y), Pointer.to(new int[] {3}));
        CUfunction scale = new CUfunction();
        ok(cuModuleGetFunction(scale, device.module(), "scale_shared"));
        assertEquals(INVALID_VALUE, launchScale(scale, 0, 32, 0, parameters));
        assertEquals(INVALID_VALUE, launchScale(scale, 1, 1025, 0, parameters));
        assertEquals(INVALID_VALUE, launchScale(scale, 1, 32, 49_153, parameters));
        assertEquals(INVALID_VALUE, cuFuncSetAttribute(scale, 8, 1 << 20));
        ok(cuFuncSetAttribute(scale, 8, 100_000));
        ok(launchScale(scale, 1, 32, 100_000, parameters));
        Pointer missing = Pointer.to(Pointer.to(y), null);
        assertEquals(INVALID_VALUE, launchScale(scale, 1, 32, 128, missing));
        assertTrue(device.standIn.lastFault().contains("parameter 1 of 2 is NULL"));
        assertEquals(500, cuModuleGetFunction(scale, device.module(), "no such kernel"));
        ok(cuCtxSynchronize());
    }

    private static int launchScale(
            CUfunction scale, int blocks, int threads, int shared, Pointer parameters) {
        return cuLaunchKernel(scale, blocks, 1, 1, threads, 1, 1, shared, LEGACY, parameters, null);
    }

    @Test
    void ptxThatIsNotUnderstoodIsRefusedWithItsLine() {
        String ptx = DriverFixture.ptx().replace("add.f32", "addd.f32");
        assertEquals(218, cuModuleLoadData(new CUmodule(), ptx));
        assertTrue(device.standIn.lastFault().contains("addd"), device.standIn.lastFault());
    }

    @Test
    void occupancyFollowsSharedMemory() {
        int[] few = new int[1];
        int[] many = new int[1];
        ok(cuOccupancyMaxActiveBlocksPerMultiprocessor(many, vadd, 128, 0));
        ok(cuOccupancyMaxActiveBlocksPerMultiprocessor(few, vadd, 128, 40_000));
        assertEquals(8, many[0]);
        assertEquals(4, few[0]);
    }

    @Test
    void whatIsNotPartOfTheStandInSaysSo() {
        assertEquals(801, cuCtxSetLimit(0, 1));
        assertNotEquals(0, device.standIn.ledger().calls("cuCtxSetLimit"));
        assertTrue(device.standIn.lastFault().contains("cuCtxSetLimit"));
    }
}
