package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.ckpt.PickleValue.Dict;
import dev.instaflow.checkpoint.ckpt.PickleValue.None;
import dev.instaflow.checkpoint.ckpt.PickleValue.TensorRef;
import java.math.BigInteger;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The tensors of a pickle's root, wherever the writer has put them, and the plain values beside them.
 *
 * @param tensors by name, in file order
 * @param metadata strings, numbers and booleans at the root and in the state dict
 */
record StateDict(Map<String, TensorRef> tensors, Map<String, Object> metadata) {
    private static final String STATE_DICT = "state_dict";

    /** Where others put the weights when the root has no {@code state_dict}. */
    private static final List<String> OTHER_NAMES =
            List.of("model", "module", "model_state_dict", "params_ema", "params", "ema", "net");

    /** A state_dict in a state_dict is seen in the wild; deeper nests are not. */
    private static final int DEEPEST = 4;

    /** Finds them. */
    static StateDict of(String where, Object root) throws CheckpointFormatException {
        if (!(root instanceof Dict dict)) {
            throw new CheckpointFormatException(
                    where
                            + ": the root is "
                            + PickleValue.describe(root)
                            + ", expected a dict with tensors or with a \"state_dict\"");
        }
        Map<String, Object> metadata = new LinkedHashMap<>();
        plainValues(dict, metadata);
        for (int depth = 0; depth < DEEPEST; depth++) {
            Optional<Dict> inner = inner(where, dict);
            if (inner.isEmpty()) {
                return new StateDict(tensors(where, dict, depth > 0, metadata), metadata);
            }
            dict = inner.get();
        }
        throw new CheckpointFormatException(
                where + ": \"state_dict\" is nested " + DEEPEST + " times or contains itself");
    }

    private static Optional<Dict> inner(String where, Dict dict) throws CheckpointFormatException {
        Optional<Object> named = dict.get(STATE_DICT);
        if (named.isPresent()) {
            if (named.get() instanceof Dict inner) {
                return Optional.of(inner);
            }
            throw new CheckpointFormatException(
                    where
                            + ": \"state_dict\" is "
                            + PickleValue.describe(named.get())
                            + ", expected a dict of tensors");
        }
        if (hasTensors(dict)) {
            return Optional.empty();
        }
        for (String name : OTHER_NAMES) {
            Optional<Object> other = dict.get(name);
            if (other.isPresent()
                    && other.get() instanceof Dict inner
                    && (hasTensors(inner) || inner.get(STATE_DICT).isPresent())) {
                return Optional.of(inner);
            }
        }
        return Optional.empty();
    }

    private static boolean hasTensors(Dict dict) {
        return dict.items.values().stream().anyMatch(TensorRef.class::isInstance);
    }

    private static Map<String, TensorRef> tensors(
            String where, Dict dict, boolean named, Map<String, Object> metadata)
            throws CheckpointFormatException {
        Optional<Object> repeated = dict.repeatedKey();
        if (repeated.isPresent()) {
            throw new CheckpointFormatException(
                    where
                            + ": duplicate key "
                            + PickleValue.describe(repeated.get())
                            + " in the state_dict");
        }
        Map<String, TensorRef> tensors = new LinkedHashMap<>();
        for (Map.Entry<Object, Object> item : dict.items.entrySet()) {
            if (item.getKey() instanceof String name
                    && item.getValue() instanceof TensorRef tensor) {
                tensors.put(name, tensor);
            } else if (named) {
                requirePlain(where, item);
            }
        }
        if (named) {
            plainValues(dict, metadata);
        } else if (tensors.isEmpty()) {
            throw new CheckpointFormatException(
                    where
                            + ": the root has neither tensors nor a \"state_dict\"; its keys are "
                            + keys(dict));
        }
        return tensors;
    }

    /** A state dict may hold counters beside tensors, but an unknown object there is a lost weight. */
    private static void requirePlain(String where, Map.Entry<Object, Object> item)
            throws CheckpointFormatException {
        Object value = item.getValue();
        boolean number = value instanceof Number || value instanceof Boolean;
        if (!(item.getKey() instanceof String) || !(number || value == None.NONE)) {
            throw new CheckpointFormatException(
                    where
                            + ": state_dict entry "
                            + PickleValue.describe(item.getKey())
                            + " is "
                            + PickleValue.describe(value)
                            + ", expected a tensor");
        }
    }

    private static void plainValues(Dict dict, Map<String, Object> metadata) {
        for (Map.Entry<Object, Object> item : dict.items.entrySet()) {
            Object value = item.getValue();
            boolean plain =
                    value instanceof String
                            || value instanceof Boolean
                            || value instanceof Long
                            || value instanceof Double
                            || value instanceof BigInteger;
            if (plain && item.getKey() instanceof String name) {
                metadata.put(name, value);
            }
        }
    }

    private static String keys(Dict dict) {
        StringBuilder list = new StringBuilder("[");
        int shown = 0;
        for (Object key : dict.items.keySet()) {
            if (shown++ == 8) {
                return list.append(", ... (")
                        .append(dict.items.size())
                        .append(" in all)]")
                        .toString();
            }
            list.append(shown == 1 ? "" : ", ");
            list.append(
                    key instanceof String text ? Escaped.quote(text) : PickleValue.describe(key));
        }
        return list.append(']').toString();
    }
}
