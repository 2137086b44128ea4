package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.ckpt.PickleValue.Bytes;
import dev.instaflow.checkpoint.ckpt.PickleValue.Dict;
import dev.instaflow.checkpoint.ckpt.PickleValue.Foreign;
import dev.instaflow.checkpoint.ckpt.PickleValue.Known;
import dev.instaflow.checkpoint.ckpt.PickleValue.None;
import dev.instaflow.checkpoint.ckpt.PickleValue.Sequence;
import dev.instaflow.checkpoint.ckpt.PickleValue.StorageRef;
import dev.instaflow.checkpoint.ckpt.PickleValue.TensorRef;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Follows a pickle as Python's {@code pickle} would, except that it looks up and calls nothing: a
 * call of a known tensor function becomes a {@link TensorRef}, everything else that has a class
 * becomes a {@link Foreign} name. No recursion, and bounds on memory, nesting and sizes, so the time
 * is linear in the bytes read.
 */
final class PickleMachine {
    private static final int NEWEST_PROTOCOL = 5;

    private static final long DICT_BYTES = 160;
    private static final long DICT_ITEM_BYTES = 64;
    private static final long OBJECT_BYTES = 48;

    /** An array list with room for its first items. */
    private static final long LIST_BYTES = 120;

    private static final long TENSOR_BYTES = 160;
    private static final long DIMENSION_BYTES = 32;

    private final PickleInput in;
    private final PickleStack stack;
    private final TensorBuilder tensors;

    private PickleMachine(PickleInput in) {
        this.in = in;
        this.stack = new PickleStack(in);
        this.tensors = new TensorBuilder(in);
    }

    /**
     * One pickle's root value.
     *
     * @param root a plain value or {@link PickleValue}
     * @param end position after STOP
     * @param storages every storage that the pickle names, by key
     */
    record Result(Object root, int end, Map<String, StorageRef> storages) {}

    /**
     * Runs one pickle.
     *
     * @param where file and entry, for messages
     * @param bytes starting with the pickle; what follows its STOP is not looked at
     * @throws CheckpointFormatException on anything but an honest pickle
     */
    static Result run(String where, ByteBuffer bytes) throws CheckpointFormatException {
        PickleInput in = new PickleInput(where, bytes);
        PickleMachine machine = new PickleMachine(in);
        while (true) {
            Optional<PickleOpcode> opcode = in.opcode();
            if (opcode.isEmpty()) {
                throw in.error("the pickle ends without STOP");
            }
            if (opcode.get() == PickleOpcode.STOP) {
                return new Result(machine.stack.pop(), in.position(), machine.tensors.storages());
            }
            machine.step(opcode.get());
        }
    }

    private void step(PickleOpcode opcode) throws CheckpointFormatException {
        switch (opcode) {
            case PROTO -> protocol();
            case FRAME -> frame();
            case MARK -> stack.mark();
            case POP -> stack.pop();
            case POP_MARK -> stack.popMark();
            case DUP -> stack.push(stack.peek());
            case PUT -> stack.remember(slot(in.integerLine()));
            case BINPUT -> stack.remember(in.unsignedByte());
            case LONG_BINPUT -> stack.remember(in.unsignedInt());
            case MEMOIZE -> stack.rememberNext();
            case GET -> stack.push(stack.recall(slot(in.integerLine())));
            case BINGET -> stack.push(stack.recall(in.unsignedByte()));
            case LONG_BINGET -> stack.push(stack.recall(in.unsignedInt()));
            case GLOBAL -> stack.push(global(in.line(), in.line()));
            case STACK_GLOBAL -> stackGlobal();
            case INST -> inst();
            case OBJ -> obj();
            case REDUCE, NEWOBJ -> call();
            case NEWOBJ_EX -> {
                stack.pop(); // keyword arguments, which no known function takes
                call();
            }
            case BUILD -> build();
            case BINPERSID -> stack.push(storage(stack.pop()));
            default -> plainValue(opcode);
        }
    }

    private void plainValue(PickleOpcode opcode) throws CheckpointFormatException {
        switch (opcode) {
            case NONE -> stack.push(None.NONE);
            case NEWTRUE -> stack.push(Boolean.TRUE);
            case NEWFALSE -> stack.push(Boolean.FALSE);
            case INT -> integerOrBoolean();
            case BININT -> stack.push((long) in.signedInt());
            case BININT1 -> stack.push((long) in.unsignedByte());
            case BININT2 -> stack.push((long) in.unsignedShort());
            case LONG -> stack.push(created(in.integerLine()));
            case LONG1 -> stack.push(created(in.integer(in.unsignedByte())));
            case LONG4 -> stack.push(created(in.integer(in.signedInt())));
            case FLOAT -> stack.push(in.doubleLine());
            case BINFLOAT -> stack.push(in.bigEndianDouble());
            default -> text(opcode);
        }
    }

    private void text(PickleOpcode opcode) throws CheckpointFormatException {
        switch (opcode) {
            case STRING -> pushText(quoted(in.line()));
            case UNICODE -> pushText(in.line());
            case BINUNICODE -> pushText(in.utf8(in.unsignedInt()));
            case SHORT_BINUNICODE -> pushText(in.utf8(in.unsignedByte()));
            case BINUNICODE8 -> pushText(in.utf8(in.length8()));
            case BINSTRING -> python2String(in.signedInt());
            case SHORT_BINSTRING -> python2String(in.unsignedByte());
            case BINBYTES -> stack.push(created(new Bytes(in.skip(in.unsignedInt()))));
            case SHORT_BINBYTES -> stack.push(created(new Bytes(in.skip(in.unsignedByte()))));
            case BINBYTES8, BYTEARRAY8 -> stack.push(created(new Bytes(in.skip(in.length8()))));
            default -> container(opcode);
        }
    }

    private void container(PickleOpcode opcode) throws CheckpointFormatException {
        switch (opcode) {
            case EMPTY_LIST -> list(PickleValue.items());
            case LIST -> list(stack.popMark());
            case APPEND -> append(List.of(stack.pop()));
            case APPENDS, ADDITEMS -> append(stack.popMark());
            case EMPTY_TUPLE -> stack.push(created(Sequence.tuple(List.of())));
            case TUPLE -> stack.push(created(Sequence.tuple(stack.popMark())));
            case TUPLE1 -> tuple(1);
            case TUPLE2 -> tuple(2);
            case TUPLE3 -> tuple(3);
            case EMPTY_DICT -> stack.push(dict(List.of()));
            case DICT -> stack.push(dict(stack.popMark()));
            case SETITEM -> {
                Object value = stack.pop();
                setItems(List.of(stack.pop(), value));
            }
            case SETITEMS -> setItems(stack.popMark());
            case EMPTY_SET -> stack.push(created(new Foreign("builtins.set")));
            case FROZENSET -> {
                stack.popMark();
                stack.push(created(new Foreign("builtins.frozenset")));
            }
            default -> throw in.error("this instruction is not implemented");
        }
    }

    private void protocol() throws CheckpointFormatException {
        int protocol = in.unsignedByte();
        if (protocol > NEWEST_PROTOCOL) {
            throw in.error("pickle protocol " + protocol + ", at most " + NEWEST_PROTOCOL);
        }
    }

    private void frame() throws CheckpointFormatException {
        long length = in.length8();
        long left = in.size() - in.position();
        if (length < 0 || length > left) {
            throw in.error(
                    "frame of length "
                            + Long.toUnsignedString(length)
                            + ", but only "
                            + left
                            + " bytes are left");
        }
    }

    private void integerOrBoolean() throws CheckpointFormatException {
        int start = in.position();
        Object value = in.integerLine();
        boolean twoDigits =
                in.position() - start == 3; // "00" and "01" are how protocol 0 has bools
        if (twoDigits && (value.equals(0L) || value.equals(1L))) {
            stack.push(value.equals(1L));
        } else {
            stack.push(created(value));
        }
    }

    private void pushText(String text) throws CheckpointFormatException {
        stack.charge(OBJECT_BYTES + 2L * text.length());
        stack.push(text);
    }

    private void python2String(long length) throws CheckpointFormatException {
        Optional<String> text = in.text(length);
        if (text.isPresent()) {
            pushText(text.get());
        } else {
            stack.push(created(new Bytes(length)));
        }
    }

    private String quoted(String line) throws CheckpointFormatException {
        int last = line.length() - 1;
        boolean quoted =
                last > 0
                        && (line.charAt(0) == '\'' || line.charAt(0) == '"')
                        && line.charAt(last) == line.charAt(0);
        if (!quoted || line.indexOf('\\') >= 0) {
            throw in.error("the string is not in quotes, or has escapes, which we do not read");
        }
        return line.substring(1, last);
    }

    private long slot(Object number) throws CheckpointFormatException {
        if (number instanceof Long slot) {
            return slot;
        }
        throw in.error("memo slot " + PickleValue.describe(number) + " is out of range");
    }

    private Object created(Object value) throws CheckpointFormatException {
        stack.charge(OBJECT_BYTES);
        return value;
    }

    private void list(List<Object> items) throws CheckpointFormatException {
        stack.charge(LIST_BYTES);
        stack.push(Sequence.list(items));
    }

    private void tuple(int size) throws CheckpointFormatException {
        Object[] items = new Object[size];
        for (int i = size - 1; i >= 0; i--) {
            items[i] = stack.pop();
        }
        stack.push(created(Sequence.tuple(List.of(items))));
    }

    private void append(List<Object> items) throws CheckpointFormatException {
        Object target = stack.peek();
        stack.charge(24); // the reference, and a boxed number behind it
        if (target instanceof Sequence list && list.isList()) {
            list.items.addAll(items);
        } else if (!(target instanceof Foreign)) {
            throw in.error("appends to " + PickleValue.describe(target) + ", expected a list");
        }
    }

    private Dict dict(List<Object> items) throws CheckpointFormatException {
        stack.charge(DICT_BYTES);
        Dict dict = new Dict();
        fill(dict, items);
        return dict;
    }

    private void setItems(List<Object> items) throws CheckpointFormatException {
        Object target = stack.peek();
        if (target instanceof Dict dict) {
            fill(dict, items);
        } else if (!(target instanceof Foreign)) {
            throw in.error("sets items of " + PickleValue.describe(target) + ", expected a dict");
        }
    }

    private void fill(Dict dict, List<Object> items) throws CheckpointFormatException {
        if (items.size() % 2 != 0) {
            throw in.error("a dict gets " + items.size() + " keys and values, an odd number");
        }
        stack.charge(DICT_ITEM_BYTES * items.size() / 2);
        for (int i = 0; i < items.size(); i += 2) {
            dict.put(items.get(i), items.get(i + 1));
        }
    }

    private PickleValue global(String module, String name) throws CheckpointFormatException {
        Optional<String> refusal = PickleGlobals.refusal(module, name);
        if (refusal.isPresent()) {
            throw in.error(
                    "the file asks for "
                            + Escaped.plain(module + "." + name)
                            + ", which "
                            + refusal.get()
                            + "; no model needs it. Nothing was run. Do not load"
                            + " this file elsewhere");
        }
        stack.charge(OBJECT_BYTES + 2L * (module.length() + name.length()));
        return PickleGlobals.resolve(module, name);
    }

    private void stackGlobal() throws CheckpointFormatException {
        Object name = stack.pop();
        Object module = stack.pop();
        if (!(module instanceof String moduleText) || !(name instanceof String nameText)) {
            throw in.error(
                    "module and name are "
                            + PickleValue.describe(module)
                            + " and "
                            + PickleValue.describe(name)
                            + ", expected strings");
        }
        stack.push(global(moduleText, nameText));
    }

    private void inst() throws CheckpointFormatException {
        PickleValue callable = global(in.line(), in.line());
        stack.push(result(callable, stack.popMark()));
    }

    private void obj() throws CheckpointFormatException {
        List<Object> items = stack.popMark();
        if (items.isEmpty()) {
            throw in.error("no class above the mark");
        }
        stack.push(result(items.get(0), items.subList(1, items.size())));
    }

    private void call() throws CheckpointFormatException {
        Object arguments = stack.pop();
        Object callable = stack.pop();
        if (!(arguments instanceof Sequence tuple)) {
            throw in.error(
                    "arguments are " + PickleValue.describe(arguments) + ", expected a tuple");
        }
        stack.push(result(callable, tuple.items));
    }

    private StorageRef storage(Object id) throws CheckpointFormatException {
        stack.charge(OBJECT_BYTES + DICT_ITEM_BYTES);
        return tensors.storage(id);
    }

    /** What a call would have made. */
    private Object result(Object callable, List<Object> arguments)
            throws CheckpointFormatException {
        stack.charge(OBJECT_BYTES);
        if (callable == Known.ORDERED_DICT) {
            return orderedDict(arguments);
        }
        if (callable instanceof Known function) {
            return tensor(function, arguments);
        }
        if (callable instanceof Foreign foreign) {
            return new Foreign(foreign.name);
        }
        if (callable instanceof PickleValue.StorageType
                || callable instanceof PickleValue.TypeName) {
            return new Foreign("torch");
        }
        throw in.error(
                "calls " + PickleValue.describe(callable) + ", expected a function or class");
    }

    private Object tensor(Known function, List<Object> arguments) throws CheckpointFormatException {
        Object made = tensors.call(function, arguments);
        if (made instanceof TensorRef tensor) {
            stack.charge(TENSOR_BYTES + DIMENSION_BYTES * tensor.layout().shape().size());
        }
        return made;
    }

    /** Python 2 gives the items as one list of pairs. */
    private Dict orderedDict(List<Object> arguments) throws CheckpointFormatException {
        List<Object> flat = new ArrayList<>();
        if (!arguments.isEmpty() && arguments.get(0) instanceof Sequence pairs) {
            stack.charge(8L * pairs.items.size());
            for (Object pair : pairs.items) {
                if (!(pair instanceof Sequence two) || two.items.size() != 2) {
                    throw in.error(
                            "an OrderedDict gets "
                                    + PickleValue.describe(pair)
                                    + ", expected a key and a value");
                }
                flat.addAll(two.items);
            }
        }
        return dict(flat);
    }

    /** Attributes: nothing that we keep has any worth reading. */
    private void build() throws CheckpointFormatException {
        stack.pop();
        Object target = stack.peek();
        boolean mayHaveState =
                target instanceof Dict || target instanceof Foreign || target instanceof TensorRef;
        if (!mayHaveState) {
            throw in.error("sets attributes of " + PickleValue.describe(target));
        }
    }
}
