package dev.instaflow.benchmarks.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** A loaded model and its output, which is written over by the next run. */
final class Session implements AutoCloseable {
    private static final OrtEnvironment ENVIRONMENT =
            OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);

    private final OrtSession session;
    private final OnnxTensor output;
    private final FloatBuffer values;

    private Session(OrtSession session, OnnxTensor output, FloatBuffer values) {
        this.session = session;
        this.output = output;
        this.values = values;
    }

    /**
     * Loads a model.
     *
     * @param model the weights are beside it
     * @param threads for each node
     * @param outputDims sizes of its output
     */
    static Session open(Path model, int threads, long... outputDims) throws OrtException {
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(threads);
            options.setInterOpNumThreads(1);
            options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            OrtSession session = ENVIRONMENT.createSession(model.toString(), options);
            FloatBuffer values =
                    Memory.direct(Graph.count(outputDims), Float.BYTES).asFloatBuffer();
            OnnxTensor output = OnnxTensor.createTensor(ENVIRONMENT, values, outputDims);
            return new Session(session, output, values);
        }
    }

    static String version() {
        return ENVIRONMENT.getVersion();
    }

    FloatBuffer run(Map<String, Value.Feed> feeds) throws OrtException {
        Map<String, OnnxTensor> inputs = new HashMap<>();
        try {
            for (Map.Entry<String, Value.Feed> feed : feeds.entrySet()) {
                inputs.put(feed.getKey(), tensor(feed.getValue()));
            }
            session.run(inputs, Map.of(Graph.OUTPUT, output)).close();
            return values;
        } finally {
            inputs.values().forEach(OnnxTensor::close);
        }
    }

    private static OnnxTensor tensor(Value.Feed feed) throws OrtException {
        ByteBuffer data = feed.data();
        if (feed.element() == Value.Element.INT64) {
            LongBuffer ids = data.asLongBuffer();
            return OnnxTensor.createTensor(ENVIRONMENT, ids, feed.dims());
        }
        return OnnxTensor.createTensor(ENVIRONMENT, data, feed.dims(), OnnxJavaType.FLOAT);
    }

    @Override
    public void close() throws OrtException {
        output.close();
        session.close();
    }
}
