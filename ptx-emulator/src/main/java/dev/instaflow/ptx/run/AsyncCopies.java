package dev.instaflow.ptx.run;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** The cp.async copies of the lanes of a warp that are not known to have arrived. */
final class AsyncCopies {
    /**
     * @param target offset in shared memory
     * @param bytes what arrives, zero-filled beyond the source, read when the copy was issued
     */
    record Copy(int target, byte[] bytes) {}

    private final List<List<Copy>> open = new ArrayList<>();
    private final List<Deque<List<Copy>>> groups = new ArrayList<>();

    AsyncCopies() {
        for (int i = 0; i < Warp.LANES; i++) {
            open.add(new ArrayList<>());
            groups.add(new ArrayDeque<>());
        }
    }

    void clear() {
        open.forEach(List::clear);
        groups.forEach(Deque::clear);
    }

    void issue(int lane, Copy copy) {
        open.get(lane).add(copy);
    }

    void commit(int lane) {
        groups.get(lane).add(new ArrayList<>(open.get(lane)));
        open.get(lane).clear();
    }

    /** What has arrived once at most {@code pending} groups of a lane are under way. */
    List<Copy> awaitGroups(int lane, int pending) {
        List<Copy> arrived = new ArrayList<>();
        Deque<List<Copy>> queue = groups.get(lane);
        while (queue.size() > pending) {
            arrived.addAll(queue.remove());
        }
        return arrived;
    }

    /** Everything, committed or not. */
    List<Copy> awaitAll(int lane) {
        List<Copy> arrived = awaitGroups(lane, 0);
        arrived.addAll(open.get(lane));
        open.get(lane).clear();
        return arrived;
    }
}
