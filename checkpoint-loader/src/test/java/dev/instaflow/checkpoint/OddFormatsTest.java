package dev.instaflow.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Odd but valid files, all written by torch or by hand after its format; values are torch's own. */
class OddFormatsTest {
    private static final Map<String, DType> TYPES =
            Map.ofEntries(
                    Map.entry("float64", DType.F64),
                    Map.entry("float32", DType.F32),
                    Map.entry("float16", DType.F16),
                    Map.entry("bfloat16", DType.BF16),
                    Map.entry("int64", DType.I64),
                    Map.entry("int32", DType.I32),
                    Map.entry("int16", DType.I16),
                    Map.entry("int8", DType.I8),
                    Map.entry("uint8", DType.U8),
                    Map.entry("bool", DType.BOOL));

    /** Files that hold more tensors than the oracle gives values of. */
    private static final Set<String> LISTED_IN_PART =
            Set.of("f04-strides.ckpt", "f14-unicode-keys.ckpt", "f23-uint16-float8.ckpt");

    static Stream<String> files() throws IOException {
        return Fixtures.fileNames("formats/expected.json");
    }

    @Test
    void everyFileOfTheOracleIsHere() throws IOException {
        assertEquals(26, files().count());
    }

    @ParameterizedTest
    @MethodSource("files")
    void readsExactValues(String name) throws IOException {
        JsonNode expected = Fixtures.caseOf("formats/expected.json", name);
        try (Checkpoint checkpoint = Checkpoint.open(Fixtures.path("formats/" + name))) {
            List<String> names = new ArrayList<>();
            for (Map.Entry<String, JsonNode> tensor : expected.get("tensors").properties()) {
                names.add(tensor.getKey());
                Entry entry = checkpoint.find(tensor.getKey()).orElseThrow();
                assertEquals(TYPES.get(tensor.getValue().get("dtype").asText()), entry.dtype());
                assertValues(tensor.getValue(), entry);
            }
            if (!LISTED_IN_PART.contains(name)) {
                assertEquals(names.size(), checkpoint.entries().size());
            }
        }
    }

    private static void assertValues(JsonNode expected, Entry entry) throws IOException {
        List<Long> shape = new ArrayList<>();
        expected.get("shape").forEach(size -> shape.add(size.asLong()));
        assertEquals(shape, entry.shape());
        JsonNode values = expected.get("values");
        int count = values.size();
        assertEquals(count, entry.count());
        float[] floats = new float[count + 2];
        floats[0] = 77;
        floats[count + 1] = 78;
        entry.readFloats(0, floats, 1, count);
        long[] longs = new long[count];
        entry.readLongs(0, longs, 0, count);
        for (int i = 0; i < count; i++) {
            double value = values.get(i).asDouble();
            assertEquals((float) value, floats[i + 1], entry + " float " + i);
            if (!entry.dtype().isFloat()) {
                assertEquals(values.get(i).asLong(), longs[i], entry + " long " + i);
            }
            float[] one = new float[1];
            entry.readFloats(i, one, 0, 1);
            assertEquals((float) value, one[0], entry + " float " + i + " alone");
        }
        assertEquals(77, floats[0]);
        assertEquals(78, floats[count + 1]);
    }

    @Test
    void readsTypesThatTorchKeepsInUntypedStorages() throws IOException {
        try (Checkpoint checkpoint =
                Checkpoint.open(Fixtures.path("formats/f23-uint16-float8.ckpt"))) {
            assertEquals(DType.U16, checkpoint.find("u").orElseThrow().dtype());
            assertEquals(DType.F8_E4M3, checkpoint.find("q").orElseThrow().dtype());
            long[] longs = new long[2];
            checkpoint.find("u").orElseThrow().readLongs(0, longs, 0, 2);
            assertTrue(longs[0] >= 0 && longs[1] >= 0);
        }
    }
}
