package dev.instaflow.benchmarks.onnx;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * A value of a recorded graph. Images are channels-first here, {@code [N,C,H,W]}, as ONNX has them; all
 * other ranks are as in our tensors.
 */
sealed interface Value {
    /** Sizes as ONNX sees them. */
    long[] dims();

    /** {@code FLOAT} or {@code INT64}. */
    default Element element() {
        return Element.FLOAT;
    }

    /** ONNX' numbers of element types. */
    enum Element {
        FLOAT(1),
        INT64(7);

        final int code;

        Element(int code) {
            this.code = code;
        }
    }

    /**
     * Handed over at each run.
     *
     * @param data direct, native order
     */
    record Feed(long[] dims, Element element, ByteBuffer data) implements Value {}

    /**
     * Part of the file of weights.
     *
     * @param offset first byte
     */
    record Weight(long[] dims, long offset) implements Value {
        /** The same numbers with other sizes. */
        Weight reshaped(long... newDims) {
            return new Weight(newDims, offset);
        }
    }

    /**
     * Inside the model.
     *
     * @param data little-endian
     */
    record Constant(long[] dims, Element element, byte[] data) implements Value {
        static Constant integers(long... values) {
            ByteBuffer data = ProtoWriter.little(values.length * Long.BYTES);
            data.asLongBuffer().put(values);
            return new Constant(new long[] {values.length}, Element.INT64, data.array());
        }

        /** A vector of one value repeated. */
        static Constant filled(int length, float value) {
            ByteBuffer data = ProtoWriter.little(length * Float.BYTES);
            for (int i = 0; i < length; i++) {
                data.putFloat(value);
            }
            return new Constant(new long[] {length}, Element.FLOAT, data.array());
        }
    }

    /**
     * One of a node's outputs.
     *
     * @param node what computes it
     * @param output which, from 0
     */
    record Result(long[] dims, Node node, int output) implements Value {}

    /**
     * One operation.
     *
     * @param op its type
     * @param inputs in the operator's order
     * @param outputs how many
     */
    record Node(Operator op, List<Value> inputs, int outputs) {
        @Override
        public boolean equals(Object other) {
            return this == other; // graphs are deep, and no two nodes are one
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }
}
