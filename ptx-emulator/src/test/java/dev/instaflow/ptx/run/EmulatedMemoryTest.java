package dev.instaflow.ptx.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.ptx.PtxParser;
import dev.instaflow.ptx.run.EmulatedMemory.Contents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Global memory as the stand-in of a driver uses it. */
class EmulatedMemoryTest {
    private static final long NATIVE = 0x7f12_3456_7000L;

    private static ByteBuffer nativeBytes(int size) {
        return ByteBuffer.allocateDirect(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    @ParameterizedTest
    @EnumSource(LaunchSettings.Mode.class)
    void kernelsReadAndWriteTheCallersNativeMemory(LaunchSettings.Mode mode) throws IOException {
        int n = 333;
        Bench bench = Bench.ofFile("k_basic.ptx");
        ByteBuffer bytes = nativeBytes(3 * 4096);
        for (int i = 0; i < 2 * 1024; i++) {
            bytes.putFloat(4 * i, i);
        }
        bench.memory.map(NATIVE, bytes, Contents.WRITTEN);
        EmulatedKernel k = bench.kernel("vadd");
        byte[] arguments =
                k.arguments()
                        .int64(NATIVE)
                        .int64(NATIVE + 4096)
                        .int64(NATIVE + 8192)
                        .int32(n)
                        .toBlock();
        LaunchSettings settings = new LaunchSettings(mode, 1, 1_000_000);
        k.launch(Dim3.of(3), Dim3.of(128), 0, arguments, settings).requireClean();
        for (int i = 0; i < n; i++) {
            assertEquals(2f * i + 1024, bytes.getFloat(8192 + 4 * i));
        }
        assertEquals(0f, bytes.getFloat(8192 + 4 * n));
    }

    @Test
    void mappedRangesMustNotOverlapAndMayBeMappedAgainOnceFreed() {
        EmulatedMemory memory = new EmulatedMemory();
        memory.map(NATIVE, nativeBytes(256), Contents.UNWRITTEN);
        ByteBuffer more = nativeBytes(256);
        assertThrows(
                IllegalArgumentException.class,
                () -> memory.map(NATIVE + 128, more, Contents.UNWRITTEN));
        assertThrows(
                IllegalArgumentException.class,
                () -> memory.map(NATIVE - 128, more, Contents.UNWRITTEN));
        assertThrows(
                IllegalArgumentException.class,
                () -> memory.map(0x1_0000_0000L, more, Contents.UNWRITTEN));
        memory.free(NATIVE);
        assertEquals(0, memory.liveBytes());
        assertThrows(IllegalArgumentException.class, () -> memory.read(NATIVE, 1));
        memory.map(NATIVE - 128, more, Contents.UNWRITTEN);
        assertEquals(256, memory.liveBytes());
        assertFalse(memory.isWritten(NATIVE, 4));
    }

    @Test
    void copiesWithinTheDeviceCarryWhetherBytesWereWritten() {
        EmulatedMemory memory = new EmulatedMemory();
        long from = memory.allocate(64);
        long to = memory.allocate(64);
        memory.write(from, new byte[] {1, 2, 3, 4});
        memory.copy(to + 8, from, 8);
        assertArrayEquals(new byte[] {1, 2, 3, 4}, memory.read(to + 8, 4));
        assertTrue(memory.isWritten(to + 8, 4));
        assertFalse(memory.isWritten(to + 12, 1));
        memory.copy(to + 9, to + 8, 4);
        assertArrayEquals(new byte[] {1, 1, 2, 3, 4}, memory.read(to + 8, 5));
    }

    @Test
    void viewsAreTheBytesThemselves() {
        EmulatedMemory memory = new EmulatedMemory();
        long a = memory.allocate(64);
        memory.view(a + 16, 8).putFloat(4, 1.5f);
        memory.markWritten(a + 20, 4);
        assertTrue(memory.isWritten(a + 20, 4));
        assertFalse(memory.isWritten(a + 16, 8));
        ByteBuffer out = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
        memory.read(a + 20, out);
        assertEquals(1.5f, out.getFloat(0));
        assertThrows(IllegalArgumentException.class, () -> memory.view(a + 60, 8));
    }

    @Test
    void launchesOnManyThreadsAreIndependent() throws IOException {
        Bench bench = Bench.ofFile("k_basic.ptx");
        EmulatedKernel k = bench.kernel("vadd");
        int n = 1000;
        float[] a = Bench.normal(n, 1);
        long in = bench.upload(a);
        float[] doubled = new float[n];
        IntStream.range(0, n).forEach(i -> doubled[i] = a[i] + a[i]);
        IntStream.range(0, 16)
                .parallel()
                .forEach(
                        i -> {
                            long out = bench.memory.allocate(4L * n);
                            KernelArguments arguments =
                                    k.arguments().int64(in).int64(in).int64(out).int32(n);
                            k.launch(Dim3.of(8), Dim3.of(128), 0, arguments).requireClean();
                            assertArrayEquals(doubled, bench.floats(out, n));
                            bench.memory.free(out);
                        });
    }

    @Test
    void atomicsOfBlocksOnSeveralThreadsLoseNothing() {
        Bench bench =
                Bench.ofBody(
                        "",
                        "atom.global.add.u32 %r1, [%a], 1; shl.b32 %r2, %r1, 2; cvt.u64.u32 %d1, %r2; add.s64 %d1, %d1, %b;"
                                + " red.global.inc.u32 [%d1], 7; ret;");
        int blocks = 200;
        long counter = bench.upload(0);
        long seen = bench.upload(new int[64 * blocks]);
        EmulatedKernel k = bench.kernel("k");
        byte[] arguments = k.arguments().int64(counter).int64(seen).toBlock();
        k.launch(Dim3.of(blocks), Dim3.of(64), 0, arguments, LaunchSettings.fast(4)).requireClean();
        assertEquals(64 * blocks, bench.ints(counter, 1)[0]);
        int[] ones = new int[64 * blocks];
        Arrays.fill(ones, 1);
        assertArrayEquals(ones, bench.ints(seen, ones.length));
    }

    @Test
    void aFaultOnOneThreadEndsTheWholeLaunch() {
        Bench bench =
                Bench.ofBody(
                        "",
                        "mov.u32 %r1, %ctaid.x; setp.ne.u32 %p1, %r1, 5;\n@%p1 bra OK;\nld.global.u32 %r2, [%a+4096];\nOK: ret;");
        long a = bench.upload(1);
        EmulatedKernel k = bench.kernel("k");
        byte[] arguments = k.arguments().int64(a).int64(a).toBlock();
        LaunchReport report =
                k.launch(Dim3.of(100), Dim3.of(1), 0, arguments, LaunchSettings.fast(2));
        assertFalse(report.completed());
        assertEquals(1, report.findings().size());
        assertEquals(Finding.Kind.OUT_OF_BOUNDS, report.findings().get(0).kind());
        assertEquals(7, report.findings().get(0).line());
    }

    @Test
    void variablesOfAModuleCanBeFoundAndGoWithIt() {
        EmulatedMemory memory = new EmulatedMemory();
        EmulatedModule module =
                EmulatedModule.load(
                        PtxParser.parse(
                                "v",
                                ".version 7.0\n.target sm_80\n.address_size 64\n"
                                        + ".global .align 4 .u32 table[3] = {1, 2, 3};\n"),
                        memory);
        EmulatedModule.GlobalVariable table = module.global("table").orElseThrow();
        assertEquals(12, table.sizeBytes());
        assertEquals(2, memory.view(table.address(), 12).getInt(4));
        module.unload();
        assertEquals(0, memory.liveBytes());
    }
}
