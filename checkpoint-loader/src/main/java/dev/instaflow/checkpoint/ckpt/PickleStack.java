package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.CheckpointFormatException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The working memory of the pickle machine: values, marks and the memo, within a budget. The budget
 * is an estimate of the heap that the values take, so no file can make us hold more than that.
 */
final class PickleStack {
    /** Estimated bytes; the pickle of a checkpoint with optimizer and EMA takes under 10 MiB. */
    private static final long MOST_HEAP_BYTES = 96L << 20;

    /** A state_dict pushes its items in one go; the largest known has 3,000. */
    private static final int MOST_VALUES = 1 << 20;

    /** {@code torch.save} nests about 10 deep. */
    private static final int MOST_MARKS = 1 << 12;

    private final PickleInput in;
    private final List<Object> values = new ArrayList<>();
    private final List<Integer> marks = new ArrayList<>();
    private final Map<Long, Object> memo = new HashMap<>();
    private long heapBytes;

    PickleStack(PickleInput in) {
        this.in = in;
    }

    /** Counts what a new value takes. */
    void charge(long bytes) throws CheckpointFormatException {
        heapBytes += bytes;
        if (heapBytes > MOST_HEAP_BYTES) {
            throw in.error(
                    "the pickle builds more than "
                            + (MOST_HEAP_BYTES >> 20)
                            + " MiB of values before any \"state_dict\" is complete");
        }
    }

    void push(Object value) throws CheckpointFormatException {
        if (values.size() >= MOST_VALUES) {
            throw in.error(
                    "more than "
                            + MOST_VALUES
                            + " values on the stack: no \"state_dict\" is so large");
        }
        values.add(value);
    }

    Object pop() throws CheckpointFormatException {
        requireValue();
        return values.remove(values.size() - 1);
    }

    Object peek() throws CheckpointFormatException {
        requireValue();
        return values.get(values.size() - 1);
    }

    void mark() throws CheckpointFormatException {
        if (marks.size() >= MOST_MARKS) {
            throw in.error("more than " + MOST_MARKS + " open marks: nested too deeply");
        }
        marks.add(values.size());
    }

    /** Everything above the last mark, which is removed. */
    List<Object> popMark() throws CheckpointFormatException {
        if (marks.isEmpty()) {
            throw in.error("there is no mark on the stack");
        }
        int from = marks.remove(marks.size() - 1);
        List<Object> top = values.subList(from, values.size());
        List<Object> items = new ArrayList<>(top);
        top.clear();
        charge(48 + 24L * items.size()); // a reference, and a boxed number behind it
        return items;
    }

    /** Writes the top of the stack to the memo; a pickle has no more slots than bytes. */
    void remember(long slot) throws CheckpointFormatException {
        if (slot < 0 || slot > in.size()) {
            throw in.error("memo slot " + slot + " in a pickle of " + in.size() + " bytes");
        }
        if (memo.put(slot, peek()) == null) {
            charge(64);
        }
    }

    void rememberNext() throws CheckpointFormatException {
        remember(memo.size());
    }

    Object recall(long slot) throws CheckpointFormatException {
        Object value = memo.get(slot);
        if (value == null) {
            throw in.error("memo slot " + slot + " was never written");
        }
        return value;
    }

    private void requireValue() throws CheckpointFormatException {
        int floor = marks.isEmpty() ? 0 : marks.get(marks.size() - 1);
        if (values.size() <= floor) {
            throw in.error("the stack is empty");
        }
    }
}
