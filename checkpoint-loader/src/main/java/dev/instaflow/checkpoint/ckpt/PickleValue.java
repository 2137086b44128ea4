package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.storage.TensorLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a pickle may contain, beside {@link String}, {@link Boolean}, {@link Long}, {@link
 * java.math.BigInteger} and {@link Double}. Containers compare by identity and print without their
 * contents: a hostile file nests them deeply, shares them, or puts them into themselves.
 */
interface PickleValue {
    /** A few words for messages: what this is. */
    String describe();

    /** {@code None}. */
    enum None implements PickleValue {
        NONE;

        @Override
        public String describe() {
            return "None";
        }
    }

    /** A list or a tuple. */
    final class Sequence implements PickleValue {
        private final String kind;
        final List<Object> items;

        Sequence(String kind, List<Object> items) {
            this.kind = kind;
            this.items = items;
        }

        static Sequence tuple(List<Object> items) {
            return new Sequence("tuple", items);
        }

        static Sequence list(List<Object> items) {
            return new Sequence("list", items);
        }

        /** Whether items may be appended. */
        boolean isList() {
            return kind.equals("list");
        }

        @Override
        public String describe() {
            return "a " + kind + " of " + items.size() + " items";
        }
    }

    /** A dict or OrderedDict; like Python, it keeps the first place and the last value of a key. */
    final class Dict implements PickleValue {
        final Map<Object, Object> items = new LinkedHashMap<>();
        private Object repeated;

        void put(Object key, Object value) {
            if (items.put(key, value) != null && repeated == null) {
                repeated = key;
            }
        }

        Optional<Object> get(String key) {
            return Optional.ofNullable(items.get(key));
        }

        /** The first key that was set twice, which Python's own pickler never does. */
        Optional<Object> repeatedKey() {
            return Optional.ofNullable(repeated);
        }

        @Override
        public String describe() {
            return "a dict of " + items.size() + " items";
        }
    }

    /** Raw bytes, which nothing here needs: only their number is kept. */
    record Bytes(long length) implements PickleValue {
        @Override
        public String describe() {
            return length + " raw bytes";
        }
    }

    /** A class or function that is known to be what tensors are made of. */
    enum Known implements PickleValue {
        ORDERED_DICT,
        SIZE,
        REBUILD_TENSOR,
        REBUILD_TENSOR_V2,
        REBUILD_TENSOR_V3,
        REBUILD_PARAMETER,
        REBUILD_PARAMETER_WITH_STATE,
        REBUILD_FROM_TYPE_V2;

        @Override
        public String describe() {
            return "the function " + this;
        }
    }

    /** {@code torch.FloatStorage} and its like; without a type for untyped storages of bytes. */
    record StorageType(Optional<DType> dtype) implements PickleValue {
        @Override
        public String describe() {
            return "a storage type";
        }
    }

    /** {@code torch.float16} and its like. */
    record TypeName(DType dtype) implements PickleValue {
        @Override
        public String describe() {
            return "the type " + dtype;
        }
    }

    /** A class, function or object that we do not know and never make: only its name. */
    final class Foreign implements PickleValue {
        final String name;

        Foreign(String name) {
            this.name = name;
        }

        @Override
        public String describe() {
            return "a " + Escaped.plain(name) + " object";
        }
    }

    /**
     * Elements in the file, named by a persistent id.
     *
     * @param key the zip entry's or legacy storage's name
     * @param dtype element type, U8 for untyped storages
     * @param start first element, in a view of a legacy storage; else 0
     * @param count elements in the view, or in the whole storage
     * @param wholeCount elements in the whole storage
     */
    record StorageRef(String key, DType dtype, long start, long count, long wholeCount)
            implements PickleValue {
        /** Bytes of the whole storage. */
        long sizeBytes() {
            return wholeCount * dtype.sizeBytes(); // TensorBuilder has checked the product
        }

        @Override
        public String describe() {
            return "storage " + Escaped.quote(key);
        }
    }

    /**
     * A tensor, checked against the count that its storage claims.
     *
     * @param storage where its elements are
     * @param dtype its type, that of the storage unless that is untyped
     * @param layout offset from the start of the view
     */
    record TensorRef(StorageRef storage, DType dtype, TensorLayout layout) implements PickleValue {
        @Override
        public String describe() {
            return "a tensor " + layout.shape();
        }
    }

    /** A few words for any value of a pickle. */
    static String describe(Object value) {
        if (value instanceof PickleValue known) {
            return known.describe();
        }
        if (value instanceof String text) {
            return "the string " + Escaped.quote(text);
        }
        return Escaped.plain(String.valueOf(value));
    }

    /** An empty, growing list of values. */
    static List<Object> items() {
        return new ArrayList<>();
    }
}
