package dev.instaflow.backend.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import dev.instaflow.checkpoint.DType;
import java.util.Arrays;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_desc;

/** A memory descriptor of oneDNN, F32 unless said otherwise: sizes and where each element lies. Immutable; to be closed. */
final class Layout implements AutoCloseable {
    private final dnnl_memory_desc handle;
    private int number = -1;

    private Layout(dnnl_memory_desc handle) {
        this.handle = handle;
    }

    /** Elements at the given distances, in elements. */
    static Layout strided(long[] dims, long... strides) {
        return strided(DType.F32, dims, strides);
    }

    /** F32, F16 or BF16 elements at the given distances, in elements. */
    static Layout strided(DType type, long[] dims, long... strides) {
        int code =
                switch (type) {
                    case F32 -> dnnl_f32;
                    case F16 -> dnnl_f16;
                    case BF16 -> dnnl_bf16;
                    default -> throw new IllegalArgumentException("no layout of " + type);
                };
        dnnl_memory_desc handle = new dnnl_memory_desc();
        OneDnn.check(
                dnnl_memory_desc_create_with_strides(handle, dims.length, dims, code, strides),
                "dnnl_memory_desc_create_with_strides",
                Arrays.toString(dims));
        return new Layout(handle);
    }

    /** Row-major, without gaps. */
    static Layout dense(long... dims) {
        long[] strides = new long[dims.length];
        long stride = 1;
        for (int i = dims.length - 1; i >= 0; i--) {
            strides[i] = stride;
            stride *= dims[i];
        }
        return strided(dims, strides);
    }

    /** An image [N,H,W,C] in memory, in oneDNN's logical order N, C, H, W. */
    static Layout image(long n, long height, long width, long c) {
        return tagged(dnnl_nhwc, n, c, height, width);
    }

    /** What the primitive likes best, of as many dimensions. */
    static Layout any(long... dims) {
        return tagged(dnnl_format_tag_any, dims);
    }

    private static Layout tagged(int tag, long... dims) {
        dnnl_memory_desc handle = new dnnl_memory_desc();
        OneDnn.check(
                dnnl_memory_desc_create_with_tag(handle, dims.length, dims, dnnl_f32, tag),
                "dnnl_memory_desc_create_with_tag",
                Arrays.toString(dims));
        return new Layout(handle);
    }

    /** A copy of what a primitive chose or needs; {@code query} says of which argument. */
    static Layout chosenBy(dnnl_primitive_desc primitive, int query) {
        return copyOf(dnnl_primitive_desc_query_md(primitive, query, 0));
    }

    private static Layout copyOf(dnnl_memory_desc original) {
        dnnl_memory_desc handle = new dnnl_memory_desc();
        OneDnn.check(
                dnnl_memory_desc_clone(handle, original), "dnnl_memory_desc_clone", "a layout");
        return new Layout(handle);
    }

    /** A copy that is closed by its own owner. */
    Layout copy() {
        return copyOf(handle);
    }

    /**
     * A range of this layout's elements, still in their places.
     *
     * @return the range, or null where a block of the packing would be cut
     */
    Layout part(long[] dims, long[] offsets) {
        dnnl_memory_desc part = new dnnl_memory_desc();
        int status = dnnl_memory_desc_create_submemory(part, handle, dims, offsets);
        return status == dnnl_success ? new Layout(part) : null;
    }

    /** The distance of the first element from the start of the memory, in bytes. */
    long offsetBytes() {
        try (NativeCell value = new NativeCell()) {
            OneDnn.check(
                    dnnl_memory_desc_query(
                            handle, dnnl_query_submemory_offset_s64, value.pointer()),
                    "dnnl_memory_desc_query",
                    "an offset");
            return value.value() * Float.BYTES;
        }
    }

    /** Bytes from the start of the memory to its end, padding included; 0 if nothing is needed. */
    long bytes() {
        return dnnl_memory_desc_get_size(handle);
    }

    /** Whether the same memory means the same in both. */
    boolean sameAs(Layout other) {
        return dnnl_memory_desc_equal(handle, other.handle) != 0;
    }

    /** What plan keys call it, once {@link CpuEngine#shared} has numbered it. */
    int number() {
        return number;
    }

    /** A numbered copy, for the set of shared layouts. */
    Layout numberedCopy(int newNumber) {
        Layout copy = copyOf(handle);
        copy.number = newNumber;
        return copy;
    }

    /** For native calls. */
    dnnl_memory_desc handle() {
        return handle;
    }

    @Override
    public void close() {
        if (!handle.isNull()) {
            dnnl_memory_desc_destroy(handle);
            handle.setNull();
        }
    }
}
