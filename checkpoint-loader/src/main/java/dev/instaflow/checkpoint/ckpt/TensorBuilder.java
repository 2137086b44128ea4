package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.ckpt.PickleValue.Known;
import dev.instaflow.checkpoint.ckpt.PickleValue.None;
import dev.instaflow.checkpoint.ckpt.PickleValue.Sequence;
import dev.instaflow.checkpoint.ckpt.PickleValue.StorageRef;
import dev.instaflow.checkpoint.ckpt.PickleValue.StorageType;
import dev.instaflow.checkpoint.ckpt.PickleValue.TensorRef;
import dev.instaflow.checkpoint.ckpt.PickleValue.TypeName;
import dev.instaflow.checkpoint.storage.TensorLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The functions of {@code torch._utils} that a tensor is pickled as, restated as checks of their
 * arguments. Argument orders follow torch 0.3 to 2.x; extra arguments (hooks, metadata) are ignored.
 */
final class TensorBuilder {
    private final PickleInput in;
    private final Map<String, StorageRef> storages = new HashMap<>();

    TensorBuilder(PickleInput in) {
        this.in = in;
    }

    /** Every storage named so far, by key, as it was named first. */
    Map<String, StorageRef> storages() {
        return storages;
    }

    /** {@code ('storage', type, key, location, count[, view])}; the location is a device, ignored. */
    StorageRef storage(Object id) throws CheckpointFormatException {
        if (!(id instanceof Sequence tuple) || tuple.items.size() < 5) {
            throw in.error(
                    "persistent id is "
                            + PickleValue.describe(id)
                            + ", expected a storage tuple of 5 or 6 items");
        }
        List<Object> items = tuple.items;
        if (!"storage".equals(items.get(0))) {
            throw in.error(
                    "persistent id starts with "
                            + PickleValue.describe(items.get(0))
                            + ", expected \"storage\"");
        }
        if (!(items.get(1) instanceof StorageType type)) {
            throw in.error(
                    "storage type is "
                            + PickleValue.describe(items.get(1))
                            + ", expected one like torch.FloatStorage");
        }
        if (!(items.get(2) instanceof String key)) {
            throw in.error(
                    "storage key is " + PickleValue.describe(items.get(2)) + ", expected a string");
        }
        DType dtype = type.dtype().orElse(DType.U8);
        long count = integer("storage count", items.get(4));
        if (count < 0 || count > Long.MAX_VALUE / dtype.sizeBytes()) {
            throw in.error(
                    new StorageRef(key, dtype, 0, 0, 0).describe()
                            + " claims "
                            + count
                            + " elements of "
                            + dtype);
        }
        StorageRef whole = new StorageRef(key, dtype, 0, count, count);
        storages.putIfAbsent(key, whole);
        boolean hasView = items.size() > 5 && items.get(5) != None.NONE;
        return hasView ? view(whole, items.get(5)) : whole;
    }

    /** Legacy files only: {@code (view key, offset, count)}. */
    private StorageRef view(StorageRef whole, Object metadata) throws CheckpointFormatException {
        if (!(metadata instanceof Sequence tuple) || tuple.items.size() != 3) {
            throw in.error(
                    "storage view is "
                            + PickleValue.describe(metadata)
                            + ", expected a tuple of 3 items");
        }
        long start = integer("view offset", tuple.items.get(1));
        long count = integer("view count", tuple.items.get(2));
        if (start < 0 || count < 0 || start > whole.count() - count) {
            throw in.error(
                    "storage view of "
                            + count
                            + " elements from "
                            + start
                            + " is outside of the storage, which has "
                            + whole.count());
        }
        return new StorageRef(whole.key(), whole.dtype(), start, count, whole.count());
    }

    /** What a call of a known function makes. */
    Object call(Known function, List<Object> arguments) throws CheckpointFormatException {
        return switch (function) {
            case SIZE -> argument(function, arguments, 0);
            case REBUILD_TENSOR, REBUILD_TENSOR_V2 -> {
                StorageRef storage = storageArgument(function, arguments);
                yield tensor(function, arguments, storage, storage.dtype());
            }
            case REBUILD_TENSOR_V3 -> {
                Object type = argument(function, arguments, 6);
                if (!(type instanceof TypeName name)) {
                    throw in.error(
                            "dtype of a tensor is "
                                    + PickleValue.describe(type)
                                    + ", expected one like torch.float16");
                }
                yield tensor(
                        function, arguments, storageArgument(function, arguments), name.dtype());
            }
            case REBUILD_PARAMETER, REBUILD_PARAMETER_WITH_STATE ->
                    argument(function, arguments, 0);
            case REBUILD_FROM_TYPE_V2 -> subclass(function, arguments);
            case ORDERED_DICT -> throw in.error("OrderedDict is not a tensor");
        };
    }

    /** A tensor of a Python subclass: {@code (function, type, arguments, state)}. */
    private Object subclass(Known function, List<Object> arguments)
            throws CheckpointFormatException {
        Object inner = argument(function, arguments, 0);
        boolean plain =
                inner == Known.REBUILD_TENSOR_V2
                        || inner == Known.REBUILD_TENSOR_V3
                        || inner == Known.REBUILD_PARAMETER;
        if (plain && argument(function, arguments, 2) instanceof Sequence tuple) {
            return call((Known) inner, tuple.items);
        }
        throw in.error("a tensor subclass made by " + PickleValue.describe(inner));
    }

    private StorageRef storageArgument(Known function, List<Object> arguments)
            throws CheckpointFormatException {
        Object storage = argument(function, arguments, 0);
        if (storage instanceof StorageRef ref) {
            return ref;
        }
        throw in.error(
                "a tensor is made of " + PickleValue.describe(storage) + ", expected a storage");
    }

    private TensorRef tensor(
            Known function, List<Object> arguments, StorageRef storage, DType dtype)
            throws CheckpointFormatException {
        long offset = integer("storage offset", argument(function, arguments, 1));
        List<Long> shape = integers("size", argument(function, arguments, 2));
        List<Long> strides = integers("stride", argument(function, arguments, 3));
        long storageBytes = storage.count() * storage.dtype().sizeBytes();
        try {
            TensorLayout layout = new TensorLayout(shape, strides, offset);
            layout.requireInside(storageBytes / dtype.sizeBytes());
            return new TensorRef(storage, dtype, layout);
        } catch (IllegalArgumentException e) {
            throw in.error("a tensor in " + storage.describe() + ": " + e.getMessage());
        }
    }

    private Object argument(Known function, List<Object> arguments, int index)
            throws CheckpointFormatException {
        if (index >= arguments.size()) {
            throw in.error(
                    function
                            + " gets "
                            + arguments.size()
                            + " arguments, expected more than "
                            + index);
        }
        return arguments.get(index);
    }

    private List<Long> integers(String what, Object value) throws CheckpointFormatException {
        if (!(value instanceof Sequence sequence)) {
            throw in.error(what + " is " + PickleValue.describe(value) + ", expected a tuple");
        }
        List<Long> numbers = new ArrayList<>(sequence.items.size());
        for (Object item : sequence.items) {
            numbers.add(integer(what, item));
        }
        return numbers;
    }

    private long integer(String what, Object value) throws CheckpointFormatException {
        if (value instanceof Long number) {
            return number;
        }
        throw in.error(what + " is " + PickleValue.describe(value) + ", expected an integer");
    }
}
