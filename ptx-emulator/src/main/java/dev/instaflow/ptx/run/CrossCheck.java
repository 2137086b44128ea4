package dev.instaflow.ptx.run;

import dev.instaflow.ptx.run.EmulatedMemory.Allocation;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** One launch in both modes from the same memory. */
final class CrossCheck {
    /** Enough for any kernel of a test, and an end to those that compiled code made endless. */
    private static final long FAST_BUDGET = 100_000_000;

    private final EmulatedMemory memory;

    CrossCheck(EmulatedMemory memory) {
        this.memory = memory;
    }

    LaunchReport run(Function<LaunchSettings, LaunchReport> launch) {
        List<Contents> before = contents();
        LaunchReport fast =
                launch.apply(LaunchSettings.fast(1).withMaxWarpInstructions(FAST_BUDGET));
        List<Contents> compiled = contents();
        before.forEach(Contents::restore);
        LaunchReport checked = launch.apply(LaunchSettings.checked());
        if (checked.findings().isEmpty()) {
            fast.requireClean();
            compiled.forEach(c -> c.requireSame(checked.kernel()));
        }
        return checked;
    }

    private List<Contents> contents() {
        return memory.live().stream().map(Contents::of).toList();
    }

    private record Contents(Allocation of, byte[] bytes, byte[] written) {
        static Contents of(Allocation allocation) {
            byte[] bytes = new byte[allocation.size];
            allocation.data.get(0, bytes);
            return new Contents(allocation, bytes, allocation.written.clone());
        }

        void restore() {
            of.data.put(0, bytes);
            System.arraycopy(written, 0, of.written, 0, written.length);
        }

        void requireSame(String kernel) {
            int differs = ByteBuffer.wrap(bytes).mismatch(of.data.duplicate().clear());
            if (differs < 0 && !Arrays.equals(written, of.written)) {
                differs = Arrays.mismatch(written, of.written);
            }
            if (differs >= 0) {
                throw new IllegalStateException(
                        String.format(
                                "%s: byte %d of the allocation at 0x%x is %d, interpreted it is %d",
                                kernel, differs, of.base, bytes[differs], of.data.get(differs)));
            }
        }
    }
}
