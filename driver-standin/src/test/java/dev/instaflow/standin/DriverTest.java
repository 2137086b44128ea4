package dev.instaflow.standin;

import static dev.instaflow.standin.DriverFixture.LEGACY;
import static dev.instaflow.standin.DriverFixture.allocate;
import static dev.instaflow.standin.DriverFixture.download;
import static dev.instaflow.standin.DriverFixture.launch;
import static dev.instaflow.standin.DriverFixture.ok;
import static dev.instaflow.standin.DriverFixture.random;
import static dev.instaflow.standin.DriverFixture.upload;
import static jcuda.driver.JCudaDriver.cuCtxSynchronize;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import org.junit.jupiter.api.Test;

/** Kernels through the real JCuda. */
class DriverTest {
    private static final int N = 100;

    @Test
    void aKernelRunsInTheEmulator() {
        for (StandInSettings settings :
                new StandInSettings[] {StandInSettings.checked(), StandInSettings.fast()}) {
            DriverFixture device = DriverFixture.start(settings);
            CUfunction vadd = device.function("vadd");
            float[] a = random(N, 1);
            float[] b = random(N, 2);
            CUdeviceptr y = allocate(4 * N);
            ok(launch(vadd, 4, LEGACY, y, upload(a), upload(b), N));
            float[] sum = download(y, N);
            for (int i = 0; i < N; i++) {
                assertEquals(a[i] + b[i], sum[i]);
            }
            assertEquals(1, device.standIn.ledger().kernels().size());
        }
    }

    @Test
    void theLedgerHasTheArgumentsOfAKernelThatOnlyCounts() {
        DriverFixture device = DriverFixture.start(StandInSettings.dry());
        CUfunction vadd = device.function("vadd");
        CUdeviceptr y = allocate(4 * N);
        ok(launch(vadd, 4, LEGACY, y, upload(random(N, 1)), upload(random(N, 2)), -N));
        ok(cuCtxSynchronize());
        Ledger.Kernel kernel = device.standIn.ledger().kernels().get(0);
        assertEquals(4, kernel.arguments().size());
        assertEquals(4, kernel.gridX());
        assertEquals(-N, kernel.arguments().get(3));
    }

    @Test
    void aStrayAccessIsAStickyErrorWithItsPtxLine() {
        DriverFixture device = DriverFixture.start();
        CUfunction vadd = device.function("vadd_unguarded");
        CUdeviceptr y = allocate(4 * N);
        ok(launch(vadd, 4, LEGACY, y, upload(random(N, 1)), upload(random(N, 2)), N));
        assertEquals(700, cuCtxSynchronize());
        assertTrue(
                device.standIn.lastFault().contains("OUT_OF_BOUNDS"), device.standIn.lastFault());
        assertEquals(700, cuMemFree(y));
    }
}
