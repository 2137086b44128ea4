package dev.instaflow.ptx.run;

/**
 * Memory accesses of a launch. Nothing here models a cache: a sector counts each time a warp asks for
 * it, except in the distinct bytes, which are what a cache without end would fetch.
 *
 * @param loadSectors 32-byte sectors of global memory that warps asked for, cp.async included
 * @param idealLoadSectors sectors that the same bytes fill when packed
 * @param storeSectors sectors that warps stored to, atomics included
 * @param idealStoreSectors sectors that the same bytes fill when packed
 * @param distinctLoadBytes bytes in sectors loaded at least once
 * @param distinctStoreBytes bytes in sectors stored at least once
 * @param sharedPhases 128-byte accesses to shared memory if there were no conflicts
 * @param sharedReplays additional ones because of bank conflicts
 */
public record Traffic(
        long loadSectors,
        long idealLoadSectors,
        long storeSectors,
        long idealStoreSectors,
        long distinctLoadBytes,
        long distinctStoreBytes,
        long sharedPhases,
        long sharedReplays) {}
