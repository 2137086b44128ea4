package dev.instaflow.ptx.run;

import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/** Counts the sectors of global accesses and the bank conflicts of shared ones. */
final class TrafficMeter {
    private static final int SECTOR_SHIFT = 5;

    /** Sectors are remembered by pages of so many. */
    private static final int PAGE_SHIFT = 12;

    private static final int BANKS = 32;
    private static final int BANK_BYTES = 4;

    /** Bytes that shared memory serves at once. */
    private static final int PHASE_BYTES = BANKS * BANK_BYTES;

    private final long[] scratch = new long[Warp.LANES];
    private final int[] bankUse = new int[BANKS];
    private final Map<Long, BitSet> loadedSectors = new HashMap<>();
    private final Map<Long, BitSet> storedSectors = new HashMap<>();
    private long loadSectors;
    private long idealLoadSectors;
    private long storeSectors;
    private long idealStoreSectors;
    private long sharedPhases;
    private long sharedReplays;
    private final boolean counts;

    TrafficMeter(LaunchSettings.Mode mode) {
        this.counts = mode == LaunchSettings.Mode.CHECKED;
    }

    /** One access of a warp to global memory, {@code bytes} a lane. */
    void load(long[] addresses, int mask, int bytes) {
        if (!counts) {
            return;
        }
        int distinct = distinctSectors(addresses, mask, bytes, loadedSectors);
        loadSectors += distinct;
        idealLoadSectors += ideal(distinct, mask, bytes);
    }

    void store(long[] addresses, int mask, int bytes) {
        if (!counts) {
            return;
        }
        int distinct = distinctSectors(addresses, mask, bytes, storedSectors);
        storeSectors += distinct;
        idealStoreSectors += ideal(distinct, mask, bytes);
    }

    private static int ideal(int distinct, int mask, int bytes) {
        return Math.min(distinct, (Integer.bitCount(mask) * bytes + 31) >>> SECTOR_SHIFT);
    }

    private int distinctSectors(long[] addresses, int mask, int bytes, Map<Long, BitSet> touched) {
        int count = 0;
        for (int m = mask; m != 0; m &= m - 1) {
            long address = addresses[Integer.numberOfTrailingZeros(m)];
            long sector = address >>> SECTOR_SHIFT;
            boolean seen = false;
            // Neighbouring lanes mostly share a sector, so the search starts at the newest.
            for (int i = count - 1; i >= 0 && !seen; i--) {
                seen = scratch[i] == sector;
            }
            if (!seen) {
                scratch[count++] = sector;
                touched.computeIfAbsent(sector >>> PAGE_SHIFT, key -> new BitSet(1 << PAGE_SHIFT))
                        .set((int) sector & (1 << PAGE_SHIFT) - 1);
            }
        }
        // An access is aligned to its size, which is at most 16, so it lies in one sector.
        assert bytes <= 1 << SECTOR_SHIFT;
        return count;
    }

    /** One access of a warp to shared memory at these offsets. */
    void shared(long[] offsets, int mask, int bytes) {
        if (!counts) {
            return;
        }
        int lanesAPhase = Math.min(Warp.LANES, PHASE_BYTES / Math.max(bytes, BANK_BYTES));
        for (int first = 0; first < Warp.LANES; first += lanesAPhase) {
            int lanes = lanesAPhase == Warp.LANES ? -1 : ((1 << lanesAPhase) - 1) << first;
            if ((mask & lanes) != 0) {
                sharedPhase(offsets, mask & lanes, bytes);
            }
        }
    }

    private void sharedPhase(long[] offsets, int mask, int bytes) {
        java.util.Arrays.fill(bankUse, 0);
        int words = Math.max(1, bytes / BANK_BYTES);
        int worst = 1;
        int count = 0;
        for (int m = mask; m != 0; m &= m - 1) {
            long word = offsets[Integer.numberOfTrailingZeros(m)] / BANK_BYTES;
            boolean seen = false;
            for (int i = count - 1; i >= 0 && !seen; i--) {
                seen = scratch[i] == word;
            }
            if (!seen) {
                scratch[count++] = word;
                for (int i = 0; i < words; i++) {
                    worst = Math.max(worst, ++bankUse[(int) (word + i) & BANKS - 1]);
                }
            }
        }
        sharedPhases++;
        sharedReplays += worst - 1;
    }

    Traffic result() {
        return new Traffic(
                loadSectors,
                idealLoadSectors,
                storeSectors,
                idealStoreSectors,
                bytesOf(loadedSectors),
                bytesOf(storedSectors),
                sharedPhases,
                sharedReplays);
    }

    private static long bytesOf(Map<Long, BitSet> sectors) {
        return sectors.values().stream().mapToLong(BitSet::cardinality).sum() << SECTOR_SHIFT;
    }
}
