package dev.instaflow.benchmarks.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;

/** A loaded model of one node with its input and output, which are reused at each run. */
final class OneNodeSession implements AutoCloseable {
    private final OrtSession session;
    private final OnnxTensor x;
    private final OnnxTensor y;
    private final FloatBuffer result;

    OneNodeSession(byte[] model, long[] xShape, float[] values, long[] yShape)
            throws OrtException {
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(Runtime.getRuntime().availableProcessors());
            session = environment.createSession(model, options);
        }
        FloatBuffer input = floats(xShape);
        input.put(values).rewind();
        x = OnnxTensor.createTensor(environment, input, xShape);
        result = floats(yShape);
        y = OnnxTensor.createTensor(environment, result, yShape);
    }

    private static FloatBuffer floats(long... shape) {
        int count = 1;
        for (long size : shape) {
            count = Math.multiplyExact(count, Math.toIntExact(size));
        }
        return ByteBuffer.allocateDirect(count * Float.BYTES)
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
    }

    /** Once, into the same output. */
    FloatBuffer run() throws OrtException {
        session.run(Map.of("x", x), Map.of("y", y)).close();
        return result;
    }

    @Override
    public void close() throws OrtException {
        x.close();
        y.close();
        session.close();
    }
}
