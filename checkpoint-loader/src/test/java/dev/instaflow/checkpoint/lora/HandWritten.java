package dev.instaflow.checkpoint.lora;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Safetensors files put together byte by byte, by no writer of ours. */
final class HandWritten {
    private final List<String> tensors = new ArrayList<>();
    private final List<Float> values = new ArrayList<>();
    private String metadata = "";

    HandWritten tensor(String name, List<Long> shape, float... elements) {
        int begin = 4 * values.size();
        for (float element : elements) {
            values.add(element);
        }
        tensors.add(
                "\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                        .formatted(name, shape, begin, 4 * values.size()));
        return this;
    }

    /** Of one value each. */
    HandWritten ones(String name, long... sizes) {
        List<Long> shape = new ArrayList<>();
        int count = 1;
        for (long size : sizes) {
            shape.add(size);
            count *= (int) size;
        }
        float[] ones = new float[count];
        Arrays.fill(ones, 1);
        return tensor(name, shape, ones);
    }

    HandWritten metadata(String json) {
        metadata = "\"__metadata__\":" + json + ",";
        return this;
    }

    Path write(Path file) throws IOException {
        String json = tensors.stream().collect(Collectors.joining(",", "{" + metadata, "}"));
        byte[] header = json.getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes =
                ByteBuffer.allocate(8 + header.length + 4 * values.size())
                        .order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(header.length).put(header);
        values.forEach(bytes::putFloat);
        return Files.write(file, bytes.array());
    }
}
