package dev.instaflow.ptx.run;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a launch executed.
 *
 * @param warpInstructions instructions, once a warp
 * @param threadInstructions instructions, once a thread
 * @param threadsByClass {@code threadInstructions} by class
 * @param mmaCount mma.sync instructions, once a warp
 * @param warpsByLine executions by PTX line, once a warp; lines never executed are 0
 */
public record InstructionCounts(
        long warpInstructions,
        long threadInstructions,
        Map<InstructionClass, Long> threadsByClass,
        long mmaCount,
        SortedMap<Integer, Long> warpsByLine) {

    /** Of a launch that counts nothing. */
    static final InstructionCounts NONE =
            new InstructionCounts(0, 0, Map.of(), 0, Collections.emptySortedMap());

    public InstructionCounts {
        threadsByClass = Map.copyOf(threadsByClass);
        warpsByLine = Collections.unmodifiableSortedMap(new TreeMap<>(warpsByLine));
    }

    static InstructionCounts of(Step[] steps, long[] warps, long[] threads) {
        Map<InstructionClass, Long> byClass = new EnumMap<>(InstructionClass.class);
        SortedMap<Integer, Long> byLine = new TreeMap<>();
        long allWarps = 0;
        long allThreads = 0;
        long mma = 0;
        for (int i = 0; i < steps.length; i++) {
            if (steps[i].line() == 0) {
                continue;
            }
            allWarps += warps[i];
            allThreads += threads[i];
            byClass.merge(steps[i].group, threads[i], Long::sum);
            byLine.merge(steps[i].line(), warps[i], Long::sum);
            mma += steps[i].group == InstructionClass.MATRIX ? warps[i] : 0;
        }
        return new InstructionCounts(allWarps, allThreads, byClass, mma, byLine);
    }
}
