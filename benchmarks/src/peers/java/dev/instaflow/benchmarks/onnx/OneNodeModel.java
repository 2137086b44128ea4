package dev.instaflow.benchmarks.onnx;

import java.util.List;
import java.util.function.Consumer;

/**
 * An ONNX model of one node {@code y = op(x, weight, bias)}, F32; field numbers as in onnx.proto3, IR
 * version 8, operator set 17.
 */
final class OneNodeModel {
    private static final int FLOAT = 1;
    private static final int INTS = 7;
    private static final int IR_VERSION = 8;
    private static final int OPERATOR_SET = 17;

    /** A constant. */
    record Constant(String name, long[] shape, float[] values) {}

    private OneNodeModel() {}

    /** Convolution with padding that keeps the size. */
    static byte[] conv(long[] x, List<Constant> constants, long[] y) {
        return model(
                "Conv",
                node -> ints(ints(node, "pads", 1, 1, 1, 1), "strides", 1, 1),
                x,
                constants,
                y);
    }

    /** Product with the transposed weight, and bias. */
    static byte[] gemm(long[] x, List<Constant> constants, long[] y) {
        Consumer<ProtoWriter> transposed =
                node ->
                        node.nested(
                                5,
                                attribute ->
                                        attribute.string(1, "transB").integer(3, 1).integer(20, 2));
        return model("Gemm", transposed, x, constants, y);
    }

    private static ProtoWriter ints(ProtoWriter node, String name, long... values) {
        return node.nested(
                5,
                attribute -> attribute.string(1, name).integers(8, values).integer(20, INTS));
    }

    private static byte[] model(
            String op,
            Consumer<ProtoWriter> attributes,
            long[] x,
            List<Constant> constants,
            long[] y) {
        Consumer<ProtoWriter> node =
                writer -> {
                    writer.string(1, "x");
                    constants.forEach(constant -> writer.string(1, constant.name()));
                    writer.string(2, "y").string(4, op);
                    attributes.accept(writer);
                };
        Consumer<ProtoWriter> graph =
                writer -> {
                    writer.nested(1, node).string(2, op);
                    constants.forEach(constant -> writer.nested(5, tensor(constant)));
                    writer.nested(11, value("x", x)).nested(12, value("y", y));
                };
        return ProtoWriter.message(
                model ->
                        model.integer(1, IR_VERSION)
                                .nested(7, graph)
                                .nested(8, set -> set.integer(2, OPERATOR_SET)));
    }

    private static Consumer<ProtoWriter> tensor(Constant constant) {
        return writer ->
                writer.integers(1, constant.shape())
                        .integer(2, FLOAT)
                        .string(8, constant.name())
                        .floats(9, constant.values());
    }

    private static Consumer<ProtoWriter> value(String name, long... shape) {
        Consumer<ProtoWriter> sizes =
                writer -> {
                    for (long size : shape) {
                        writer.nested(1, dimension -> dimension.integer(1, size));
                    }
                };
        Consumer<ProtoWriter> tensorType = writer -> writer.integer(1, FLOAT).nested(2, sizes);
        return writer -> writer.string(1, name).nested(2, type -> type.nested(1, tensorType));
    }
}
