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
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntSupplier;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUgraphNode;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Stream capture and graphs. */
class CaptureTest {
    private static final int GLOBAL = 0;
    private static final int RELAXED = 2;
    private static final int UNSUPPORTED = 900;
    private static final int INVALIDATED = 901;
    private static final int UNJOINED = 904;
    private static final int IMPLICIT = 906;
    private static final int CAPTURED_EVENT = 907;
    private static final int WRONG_THREAD = 908;

    private DriverFixture device;
    private CUfunction vadd;
    private CUstream stream;
    private final CUgraph graph = new CUgraph();

    @BeforeEach
    void start() {
        device = DriverFixture.start();
        vadd = device.function("vadd");
        stream = nonBlocking();
    }

    private static CUstream nonBlocking() {
        CUstream stream = new CUstream();
        ok(cuStreamCreate(stream, 1));
        return stream;
    }

    private static CUevent event() {
        CUevent event = new CUevent();
        ok(cuEventCreate(event, 2));
        return event;
    }

    private static CUgraphExec instantiate(CUgraph graph) {
        CUgraphExec exec = new CUgraphExec();
        ok(cuGraphInstantiate(exec, graph, 0));
        return exec;
    }

    @Test
    void capturedWorkIsDoneAtEachLaunchOfTheGraphOnly() {
        CUdeviceptr y = upload(0);
        CUdeviceptr one = upload(1);
        ok(cuStreamBeginCapture(stream, GLOBAL));
        int[] status = new int[1];
        ok(cuStreamIsCapturing(stream, status));
        assertEquals(1, status[0]);
        ok(launch(vadd, 1, stream, y, y, one, 1));
        ok(launch(vadd, 1, stream, y, y, one, 1));
        ok(cuStreamEndCapture(stream, graph));
        ok(cuStreamSynchronize(stream));
        assertEquals(0, download(y, 1)[0]);
        CUgraphExec exec = instantiate(graph);
        ok(cuGraphUpload(exec, stream));
        ok(cuGraphDestroy(graph));
        for (int i = 0; i < 3; i++) {
            ok(cuGraphLaunch(exec, stream));
        }
        ok(cuStreamSynchronize(stream));
        assertEquals(6, download(y, 1)[0]);
        Ledger ledger = device.standIn.ledger();
        assertEquals(2, ledger.calls("cuLaunchKernel"));
        assertEquals(6, ledger.kernels().size());
        assertEquals(List.of(2L), ledger.captures());
        assertEquals(List.of(2L, 2L, 2L), ledger.graphLaunches());
        ok(cuGraphExecDestroy(exec));
        assertEquals(400, cuGraphLaunch(exec, stream));
    }

    @Test
    void aCapturedCopyReadsPinnedMemoryAtEachLaunch() {
        Pointer host = pinned(4);
        ByteBuffer bytes = DriverFixture.bytes(host, 4);
        CUdeviceptr y = upload(0);
        ok(cuStreamBeginCapture(stream, GLOBAL));
        ok(cuMemcpyHtoDAsync(y, host, 4, stream));
        ok(cuStreamEndCapture(stream, graph));
        CUgraphExec exec = instantiate(graph);
        for (int i = 1; i < 4; i++) {
            bytes.putFloat(0, i);
            ok(cuGraphLaunch(exec, stream));
            ok(cuStreamSynchronize(stream));
            assertEquals(i, download(y, 1)[0]);
        }
    }

    @Test
    void whatWaitsOrAllocatesIsForbiddenAndInvalidatesTheCapture() {
        CUdeviceptr y = upload(0);
        Pointer pageable = Pointer.to(DriverFixture.direct(4));
        CUevent event = event();
        List<IntSupplier> calls =
                List.of(
                        () -> cuMemAlloc(new CUdeviceptr(), 4),
                        () -> cuMemFree(y),
                        () -> cuStreamSynchronize(stream),
                        () -> cuStreamQuery(stream),
                        () -> cuCtxSynchronize(),
                        () -> cuEventQuery(event),
                        () -> cuMemcpyHtoD(y, pageable, 4),
                        () -> cuMemcpyDtoH(pageable, y, 4),
                        () -> cuMemcpyHtoDAsync(y, pageable, 4, stream),
                        () -> cuMemHostAlloc(new Pointer(), 4, 0),
                        () -> cuModuleLoadData(new CUmodule(), DriverFixture.ptx()));
        for (IntSupplier call : calls) {
            ok(cuStreamBeginCapture(stream, GLOBAL));
            assertEquals(UNSUPPORTED, call.getAsInt());
            assertEquals(INVALIDATED, launch(vadd, 1, stream, y, y, y, 1));
            assertEquals(INVALIDATED, cuStreamEndCapture(stream, graph));
            ok(cuStreamSynchronize(stream));
        }
    }

    @Test
    void relaxedCaptureAllowsCallsThatDoNotTouchTheStream() {
        ok(cuStreamBeginCapture(stream, RELAXED));
        allocate(4);
        ok(cuStreamEndCapture(stream, graph));
    }

    @Test
    void anotherThreadIsForbiddenTooAndMayNotEndTheCapture() {
        ok(cuStreamBeginCapture(stream, GLOBAL));
        int[] status =
                CompletableFuture.supplyAsync(
                                () -> {
                                    ok(cuCtxPushCurrent(device.context));
                                    return new int[] {
                                        cuStreamEndCapture(stream, graph),
                                        cuMemAlloc(new CUdeviceptr(), 4)
                                    };
                                })
                        .join();
        assertEquals(WRONG_THREAD, status[0]);
        assertEquals(UNSUPPORTED, status[1]);
        assertEquals(INVALIDATED, cuStreamEndCapture(stream, graph));
    }

    @Test
    void theDefaultStreamCannotBeCapturedNorUsedBesideABlockingOne() {
        assertEquals(UNSUPPORTED, cuStreamBeginCapture(new CUstream(), GLOBAL));
        CUstream blocking = new CUstream();
        ok(cuStreamCreate(blocking, 0));
        CUdeviceptr y = upload(0);
        ok(cuStreamBeginCapture(blocking, RELAXED));
        assertEquals(IMPLICIT, launch(vadd, 1, LEGACY, y, y, y, 1));
        assertEquals(INVALIDATED, cuStreamEndCapture(blocking, graph));
    }

    @Test
    void streamsJoinByEventsAndHaveToBeJoinedAgain() {
        CUstream side = nonBlocking();
        CUdeviceptr one = upload(1);
        CUdeviceptr y = upload(0);
        CUdeviceptr z = upload(0);
        for (boolean joined : new boolean[] {false, true}) {
            CUevent fork = event();
            CUevent join = event();
            ok(cuStreamBeginCapture(stream, GLOBAL));
            ok(launch(vadd, 1, stream, y, one, one, 1));
            ok(cuEventRecord(fork, stream));
            ok(cuStreamWaitEvent(side, fork, 0));
            ok(launch(vadd, 1, side, z, y, one, 1));
            ok(cuEventRecord(join, side));
            if (joined) {
                ok(cuStreamWaitEvent(stream, join, 0));
                ok(launch(vadd, 1, stream, y, z, one, 1));
            }
            assertEquals(joined ? 0 : UNJOINED, cuStreamEndCapture(stream, graph));
            assertEquals(CAPTURED_EVENT, cuEventSynchronize(join));
        }
        ok(cuGraphLaunch(instantiate(graph), stream));
        ok(cuStreamSynchronize(stream));
        assertEquals(4, download(y, 1)[0]);
    }

    @Test
    void branchesOfAGraphRunInTheOrderThatTheirEdgesLeastExpect() {
        CUstream side = nonBlocking();
        CUdeviceptr one = upload(1);
        CUdeviceptr y = upload(0);
        CUdeviceptr z = upload(0);
        CUevent fork = event();
        CUevent join = event();
        ok(cuStreamBeginCapture(stream, GLOBAL));
        ok(cuEventRecord(fork, stream));
        ok(cuStreamWaitEvent(side, fork, 0));
        ok(launch(vadd, 1, stream, y, one, one, 1));
        // Reads what the other branch writes, and forgets to wait for it.
        ok(launch(vadd, 1, side, z, y, one, 1));
        ok(cuEventRecord(join, side));
        ok(cuStreamWaitEvent(stream, join, 0));
        ok(cuStreamEndCapture(stream, graph));
        ok(cuGraphLaunch(instantiate(graph), stream));
        ok(cuStreamSynchronize(stream));
        assertEquals(1, download(z, 1)[0]);
    }

    @Test
    void aCapturedStreamDoesNotWaitForWorkOutside() {
        CUevent event = event();
        ok(cuEventRecord(event, nonBlocking()));
        ok(cuStreamBeginCapture(stream, GLOBAL));
        assertEquals(905, cuStreamWaitEvent(stream, event, 0));
        assertEquals(INVALIDATED, cuStreamEndCapture(stream, graph));
    }

    @Test
    void memoryOfAGraphIsThereWhileItRuns() {
        CUdeviceptr one = upload(1);
        CUdeviceptr y = upload(0);
        CUdeviceptr scratch = new CUdeviceptr();
        ok(cuStreamBeginCapture(stream, GLOBAL));
        ok(cuMemAllocAsync(scratch, 4, stream));
        ok(launch(vadd, 1, stream, scratch, one, one, 1));
        ok(launch(vadd, 1, stream, y, scratch, y, 1));
        ok(cuMemFreeAsync(scratch, stream));
        ok(cuStreamEndCapture(stream, graph));
        CUgraphExec exec = instantiate(graph);
        for (int i = 0; i < 2; i++) {
            ok(cuGraphLaunch(exec, stream));
        }
        ok(cuStreamSynchronize(stream));
        assertEquals(4, download(y, 1)[0]);
        ok(launch(vadd, 1, stream, y, scratch, y, 1));
        assertEquals(700, cuStreamSynchronize(stream));
    }

    @Test
    void theNodesOfAGraphAreCounted() {
        CUdeviceptr y = upload(0);
        ok(cuStreamBeginCapture(stream, GLOBAL));
        ok(launch(vadd, 1, stream, y, y, y, 1));
        ok(cuMemsetD8Async(y, (byte) 0, 4, stream));
        ok(cuStreamEndCapture(stream, graph));
        long[] count = new long[1];
        ok(cuGraphGetNodes(graph, null, count));
        assertEquals(2, count[0]);
        // JCuda hands over a length that it never set.
        assertEquals(801, cuGraphGetNodes(graph, new CUgraphNode[2], count));
        assertTrue(device.standIn.leaks().stream().anyMatch(l -> l.kind().equals("graph")));
    }
}
