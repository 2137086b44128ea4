package dev.instaflow.benchmarks.onnx;

import java.util.function.Consumer;

/**
 * The type of a node and its attributes, which are field 5 of a {@code NodeProto}.
 *
 * @param domain empty for ONNX' own
 * @param type such as {@code Conv}
 * @param attributes writes them
 */
record Operator(String domain, String type, Consumer<ProtoWriter> attributes) {
    /** ONNX Runtime's own operators. */
    static final String CONTRIB = "com.microsoft";

    private static final int ATTRIBUTE = 5;
    private static final int FLOAT = 1;
    private static final int INT = 2;
    private static final int STRING = 3;
    private static final int INTS = 7;

    static Operator of(String type) {
        return new Operator("", type, node -> {});
    }

    static Operator contrib(String type) {
        return new Operator(CONTRIB, type, node -> {});
    }

    private Operator with(String name, int kind, Consumer<ProtoWriter> value) {
        Consumer<ProtoWriter> attribute =
                writer -> {
                    writer.string(1, name);
                    value.accept(writer);
                    writer.integer(20, kind);
                };
        return new Operator(
                domain, type, attributes.andThen(node -> node.nested(ATTRIBUTE, attribute)));
    }

    Operator number(String name, float value) {
        return with(name, FLOAT, writer -> writer.number(2, value));
    }

    Operator integer(String name, long value) {
        return with(name, INT, writer -> writer.integer(3, value));
    }

    Operator text(String name, String value) {
        return with(name, STRING, writer -> writer.string(4, value));
    }

    Operator integers(String name, long... values) {
        return with(name, INTS, writer -> writer.integers(8, values));
    }
}
