package dev.instaflow.ptx.run;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Collects findings, one a kind and line, from all threads of a launch. */
final class Sanitiser {
    private record Place(Finding.Kind kind, int line) {}

    private final Map<Place, Finding> findings = new LinkedHashMap<>();
    private boolean ended;

    /** Notes a finding; only the first message of a line is kept. */
    synchronized void report(Finding.Kind kind, Step step, Warp warp, int lane, String message) {
        findings.merge(
                new Place(kind, step.line()),
                new Finding(kind, step.line(), warp.blockIndex(), warp.thread(lane), 1, message),
                Sanitiser::again);
    }

    /** Notes a finding that the launch does not survive; the caller throws the result. */
    synchronized KernelFault fatal(
            Finding.Kind kind, Step step, Warp warp, int lane, String message) {
        report(kind, step, warp, lane, message);
        ended = true;
        return new KernelFault();
    }

    synchronized boolean ended() {
        return ended;
    }

    synchronized List<Finding> findings() {
        return new ArrayList<>(findings.values());
    }

    private static Finding again(Finding old, Finding more) {
        return new Finding(
                old.kind(), old.line(), old.block(), old.thread(), old.count() + 1, old.message());
    }
}
