package dev.instaflow.benchmarks.onnx;

import dev.instaflow.benchmarks.onnx.Value.Node;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * All that one value depends on, as an ONNX model. Names are numbers in the order of first use, so two
 * recordings of one network are the same bytes, by which its session is found again. Field numbers as in
 * onnx.proto3.
 */
final class Graph {
    /** The name of the one output. */
    static final String OUTPUT = "y";

    /** Where the weights are, relative to the model. */
    static final String WEIGHTS = "weights.bin";

    private static final int IR_VERSION = 10;
    private static final int OPERATOR_SET = 21;
    private static final int EXTERNAL = 1;

    private final Map<Value, String> names = new IdentityHashMap<>();
    private final Map<String, Value.Feed> feeds = new LinkedHashMap<>();
    private final List<Consumer<ProtoWriter>> initializers = new ArrayList<>();
    private final Map<Node, Integer> numbers = new IdentityHashMap<>();
    private final Value result;
    private final byte[] model;

    private Graph(Value result) {
        this.result = result;
        List<Node> nodes = inOrder(result);
        this.model = ProtoWriter.message(writer -> writeModel(writer, nodes));
    }

    static Graph of(Value result) {
        return new Graph(result);
    }

    byte[] model() {
        return model;
    }

    /** What a run needs, by name. */
    Map<String, Value.Feed> feeds() {
        return feeds;
    }

    Value result() {
        return result;
    }

    /** Each node after all it reads; without recursion, since networks are deep. */
    private static List<Node> inOrder(Value result) {
        List<Node> done = new ArrayList<>();
        Set<Node> seen = new HashSet<>();
        Set<Node> placed = new HashSet<>();
        Deque<Node> open = new ArrayDeque<>();
        producer(result, open);
        while (!open.isEmpty()) {
            Node node = open.peek();
            if (seen.add(node)) {
                node.inputs().forEach(input -> producer(input, open));
            } else {
                open.pop();
                if (placed.add(node)) {
                    done.add(node);
                }
            }
        }
        return done;
    }

    private static void producer(Value value, Deque<Node> open) {
        if (value instanceof Value.Result made) {
            open.push(made.node());
        }
    }

    private void writeModel(ProtoWriter writer, List<Node> nodes) {
        Consumer<ProtoWriter> graph =
                out -> {
                    nodes.forEach(node -> out.nested(1, one -> writeNode(one, node)));
                    out.nested(
                            1,
                            end -> end.string(1, name(result)).string(2, OUTPUT).string(4, "Identity"));
                    out.string(2, "recorded");
                    initializers.forEach(tensor -> out.nested(5, tensor));
                    feeds.forEach((name, feed) -> out.nested(11, info(name, feed)));
                    out.nested(12, info(OUTPUT, result));
                };
        writer.integer(1, IR_VERSION)
                .nested(7, graph)
                .nested(8, set -> set.string(1, "").integer(2, OPERATOR_SET))
                .nested(8, set -> set.string(1, Operator.CONTRIB).integer(2, 1));
    }

    private void writeNode(ProtoWriter out, Node node) {
        int number = numbers.computeIfAbsent(node, key -> numbers.size());
        node.inputs().forEach(input -> out.string(1, name(input)));
        IntStream.range(0, node.outputs()).forEach(i -> out.string(2, output(number, i)));
        out.string(3, "node" + number).string(4, node.op().type());
        node.op().attributes().accept(out);
        out.string(7, node.op().domain());
    }

    private static String output(int node, int i) {
        return "n" + node + "_" + i;
    }

    private String name(Value value) {
        if (value instanceof Value.Result made) {
            return output(numbers.get(made.node()), made.output());
        }
        return names.computeIfAbsent(value, this::named);
    }

    private String named(Value value) {
        if (value instanceof Value.Feed feed) {
            String name = "x" + feeds.size();
            feeds.put(name, feed);
            return name;
        }
        String name = "c" + initializers.size();
        initializers.add(
                out -> {
                    out.integers(1, value.dims()).integer(2, value.element().code).string(8, name);
                    if (value instanceof Value.Constant constant) {
                        out.bytes(9, constant.data());
                    } else if (value instanceof Value.Weight weight) {
                        writeExternal(out, weight);
                    }
                });
        return name;
    }

    private static void writeExternal(ProtoWriter out, Value.Weight weight) {
        Map<String, String> place = new LinkedHashMap<>();
        place.put("location", WEIGHTS);
        place.put("offset", Long.toString(weight.offset()));
        place.put("length", Long.toString(count(weight.dims()) * Float.BYTES));
        place.forEach(
                (key, value) -> out.nested(13, entry -> entry.string(1, key).string(2, value)));
        out.integer(14, EXTERNAL);
    }

    static long count(long... dims) {
        long count = 1;
        for (long size : dims) {
            count = Math.multiplyExact(count, size);
        }
        return count;
    }

    private static Consumer<ProtoWriter> info(String name, Value value) {
        Consumer<ProtoWriter> sizes =
                out -> {
                    for (long size : value.dims()) {
                        out.nested(1, dimension -> dimension.integer(1, size));
                    }
                };
        Consumer<ProtoWriter> tensor = out -> out.integer(1, value.element().code).nested(2, sizes);
        return out -> out.string(1, name).nested(2, type -> type.nested(1, tensor));
    }
}
