package dev.instaflow.checkpoint.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Escaped;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The JSON header of a safetensors file, as written: types and ranges are not yet checked against the
 * file. Read as a stream, so only tensors take memory.
 *
 * @param tensors by name, in the order of the header
 * @param metadata the strings of {@code __metadata__}
 */
record SafetensorsHeader(Map<String, Tensor> tensors, Map<String, String> metadata) {
    private static final String METADATA = "__metadata__";

    /** The largest known models have 3,000. */
    private static final int MOST_TENSORS = 100_000;

    /** Training tools write about a hundred. */
    private static final int MOST_METADATA = 10_000;

    private static final int MOST_INTEGERS = 1_000_000;
    private static final int MOST_DIMENSIONS = 64;
    private static final int DEEPEST = 8;
    private static final int LONGEST_NUMBER = 20;
    private static final int LONGEST_STRING = 1 << 20;

    /**
     * One tensor.
     *
     * @param dtype its type
     * @param shape as written, maybe negative
     * @param begin first byte in the data block, as written
     * @param end byte after the last
     */
    record Tensor(DType dtype, List<Long> shape, long begin, long end) {}

    /** Parses a header. */
    static SafetensorsHeader parse(String where, InputStream json) throws IOException {
        return new Parser(where).parse(json);
    }

    private static final class Parser {
        private final String where;
        private final Map<String, Tensor> tensors = new LinkedHashMap<>();
        private final Map<String, String> metadata = new LinkedHashMap<>();

        private int integers;

        Parser(String where) {
            this.where = where;
        }

        SafetensorsHeader parse(InputStream input) throws IOException {
            StreamReadConstraints constraints =
                    StreamReadConstraints.builder()
                            .maxNestingDepth(DEEPEST)
                            .maxNumberLength(LONGEST_NUMBER)
                            .maxStringLength(LONGEST_STRING)
                            .maxNameLength(LONGEST_STRING)
                            .build();
            JsonFactory factory =
                    JsonFactory.builder()
                            .streamReadConstraints(constraints)
                            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                            .build();
            try (JsonParser json = factory.createParser(input)) {
                header(json);
                return new SafetensorsHeader(tensors, metadata);
            } catch (CheckpointFormatException e) {
                throw e;
            } catch (IOException e) { // Jackson's own messages quote the source
                throw new CheckpointFormatException(
                        where
                                + ": the header is not the JSON we expect, or has an integer out of"
                                + " range: "
                                + firstLine(e),
                        e);
            }
        }

        private void header(JsonParser json) throws IOException {
            if (json.nextToken() != JsonToken.START_OBJECT) {
                throw error("the header is not a JSON object");
            }
            while (json.nextToken() != JsonToken.END_OBJECT) {
                String name = json.currentName();
                json.nextToken();
                if (name.equals(METADATA)) {
                    metadata(json);
                } else if (tensors.size() >= MOST_TENSORS) {
                    throw error("the header has more than " + MOST_TENSORS + " tensors");
                } else if (tensors.put(name, tensor(json, name)) != null) {
                    throw error("duplicate tensor name " + Escaped.quote(name));
                }
            }
            if (json.nextToken() != null) {
                throw error("the header goes on after its JSON object");
            }
        }

        private void metadata(JsonParser json) throws IOException {
            if (json.currentToken() != JsonToken.START_OBJECT) {
                throw error(METADATA + " is not a JSON object");
            }
            while (json.nextToken() != JsonToken.END_OBJECT) {
                String name = json.currentName();
                if (json.nextToken() != JsonToken.VALUE_STRING) {
                    throw error(METADATA + " " + Escaped.quote(name) + " is not a string");
                }
                if (metadata.size() >= MOST_METADATA) {
                    throw error(METADATA + " has more than " + MOST_METADATA + " entries");
                }
                metadata.put(name, json.getText());
            }
        }

        private Tensor tensor(JsonParser json, String name) throws IOException {
            if (json.currentToken() != JsonToken.START_OBJECT) {
                throw error("tensor " + Escaped.quote(name) + " is not a JSON object");
            }
            Map<String, Object> fields = new LinkedHashMap<>();
            while (json.nextToken() != JsonToken.END_OBJECT) {
                String field = json.currentName();
                json.nextToken();
                Object value =
                        switch (field) {
                            case "dtype" -> dtype(json, name);
                            case "shape", "data_offsets" -> integers(json, name, field);
                            default ->
                                    throw error(
                                            "tensor "
                                                    + Escaped.quote(name)
                                                    + " has a field "
                                                    + Escaped.quote(field)
                                                    + " that is not known");
                        };
                if (fields.put(field, value) != null) {
                    throw error("tensor " + Escaped.quote(name) + " has a duplicate " + field);
                }
            }
            return tensor(name, fields);
        }

        private Tensor tensor(String name, Map<String, Object> fields)
                throws CheckpointFormatException {
            DType dtype = (DType) required(name, fields, "dtype");
            List<Long> shape = longs(required(name, fields, "shape"));
            List<Long> offsets = longs(required(name, fields, "data_offsets"));
            if (offsets.size() != 2) {
                throw error(
                        "tensor "
                                + Escaped.quote(name)
                                + " has "
                                + offsets.size()
                                + " data_offsets, expected 2");
            }
            return new Tensor(dtype, shape, offsets.get(0), offsets.get(1));
        }

        private Object required(String name, Map<String, Object> fields, String field)
                throws CheckpointFormatException {
            return Optional.ofNullable(fields.get(field))
                    .orElseThrow(() -> error("tensor " + Escaped.quote(name) + " has no " + field));
        }

        private static List<Long> longs(Object value) {
            List<Long> longs = new ArrayList<>();
            for (Object item : (List<?>) value) {
                longs.add((Long) item);
            }
            return longs;
        }

        private DType dtype(JsonParser json, String name) throws IOException {
            String text = json.currentToken() == JsonToken.VALUE_STRING ? json.getText() : "";
            for (DType dtype : DType.values()) {
                if (dtype.name().equals(text)) { // our names are those of the format
                    return dtype;
                }
            }
            throw error(
                    "tensor "
                            + Escaped.quote(name)
                            + " has dtype "
                            + Escaped.quote(text)
                            + ", expected one of "
                            + Arrays.toString(DType.values()));
        }

        private List<Long> integers(JsonParser json, String name, String field) throws IOException {
            String what = "tensor " + Escaped.quote(name) + ", " + field;
            if (json.currentToken() != JsonToken.START_ARRAY) {
                throw error(what + " is not an array of integers");
            }
            List<Long> numbers = new ArrayList<>();
            while (json.nextToken() != JsonToken.END_ARRAY) {
                if (json.currentToken() != JsonToken.VALUE_NUMBER_INT) {
                    throw error(what + " has something that is not an integer");
                }
                if (numbers.size() >= MOST_DIMENSIONS || ++integers > MOST_INTEGERS) {
                    throw error(
                            what
                                    + ": more than "
                                    + MOST_DIMENSIONS
                                    + " integers, or "
                                    + MOST_INTEGERS
                                    + " in all");
                }
                numbers.add(json.getLongValue());
            }
            return numbers;
        }

        private CheckpointFormatException error(String problem) {
            return new CheckpointFormatException(where + ": " + problem);
        }

        private static String firstLine(IOException e) {
            String message = String.valueOf(e.getMessage());
            int end = message.indexOf('\n');
            return Escaped.plain(end < 0 ? message : message.substring(0, end));
        }
    }
}
