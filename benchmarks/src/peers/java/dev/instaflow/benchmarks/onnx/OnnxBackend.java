package dev.instaflow.benchmarks.onnx;

import ai.onnxruntime.OrtException;
import dev.instaflow.backend.Backend;
import dev.instaflow.backend.BackendException;
import dev.instaflow.backend.LiveTensors;
import dev.instaflow.backend.TensorScope;
import dev.instaflow.benchmarks.Deferred;
import dev.instaflow.benchmarks.StageTime;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * ONNX Runtime on the CPU. Weights go to a file, operations are recorded, and the first use of a result
 * makes a session of all that it depends on, which serves every later recording of the same graph. Runs
 * are one at a time.
 */
public final class OnnxBackend implements Backend, Deferred {
    private final LiveTensors live = new LiveTensors();
    private final Map<ByteBuffer, Session> sessions = new HashMap<>();
    private final int threads;
    private final Path folder;
    private final WeightFile weights;
    private StageTime prepared = StageTime.ZERO;
    private boolean closed;

    /**
     * Starts with an empty file of weights in the folder for temporary files.
     *
     * @param threads for each operation, at least 1
     */
    public OnnxBackend(int threads) {
        this.threads = threads;
        try {
            folder = Files.createTempDirectory("onnx");
            weights = WeightFile.create(folder.resolve(Graph.WEIGHTS));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String description() {
        return "ONNX Runtime %s (%d threads)".formatted(Session.version(), threads);
    }

    @Override
    public Scope openScope(String name) {
        return TensorScope.root(name, scope -> new OnnxOps(this, scope));
    }

    @Override
    public Tensor upload(String name, WeightForm form, Shape shape, FloatSource values)
            throws IOException {
        long[] dims = new long[shape.rank()];
        for (int axis = 0; axis < dims.length; axis++) {
            dims[axis] = shape.size(axis);
        }
        long offset = weights.append(shape.count(), values);
        return adopt(name, shape, new Value.Weight(dims, offset));
    }

    /** A tensor that stands for a value of the graph. */
    Tensor adopt(String name, Shape shape, Value value) {
        String label = '"' + name + "\" " + shape + " F32";
        return new Tensor(name, shape, DType.F32, new OnnxStorage(label, value, live));
    }

    @Override
    public void compute(Tensor result) {
        run(OnnxOps.at(result));
    }

    @Override
    public synchronized StageTime prepared() {
        return prepared;
    }

    /** The values, until the next run. */
    synchronized FloatBuffer run(Value result) {
        if (result instanceof Value.Feed feed) {
            return feed.data().asFloatBuffer();
        }
        Graph graph = Graph.of(result);
        try {
            Session session = sessions.get(ByteBuffer.wrap(graph.model()));
            return (session == null ? open(graph) : session).run(graph.feeds());
        } catch (OrtException e) {
            throw new BackendException("ONNX Runtime: " + e.getMessage(), e);
        }
    }

    private Session open(Graph graph) {
        try {
            weights.flush();
            Path model = folder.resolve("model" + sessions.size() + ".onnx");
            Files.write(model, graph.model());
            StageTime time =
                    StageTime.of(
                            () ->
                                    sessions.put(
                                            ByteBuffer.wrap(graph.model()),
                                            Session.open(model, threads, graph.result().dims())));
            prepared = prepared.plus(time);
            return sessions.get(ByteBuffer.wrap(graph.model()));
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new BackendException("ONNX Runtime cannot load a graph: " + e.getMessage(), e);
        }
    }

    @Override
    public long heldBytes() {
        return weights.sizeBytes();
    }

    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        live.requireNone("ONNX Runtime");
        closed = true;
        try {
            for (Session session : sessions.values()) {
                session.close();
            }
            weights.close();
            List<Path> files;
            try (Stream<Path> all = Files.walk(folder)) {
                files = all.sorted(Comparator.reverseOrder()).toList();
            }
            for (Path file : files) {
                Files.delete(file);
            }
        } catch (OrtException e) {
            throw new BackendException("ONNX Runtime: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
