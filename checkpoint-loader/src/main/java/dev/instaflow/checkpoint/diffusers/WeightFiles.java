package dev.instaflow.checkpoint.diffusers;

import com.fasterxml.jackson.databind.JsonNode;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.layout.JsonFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * The files that hold the weights of one network: one file, or shards with an index that says which
 * tensor is where. Of several versions of the same weights the first is taken in the order full
 * precision, half precision, without EMA; and {@code .safetensors} before {@code .bin}.
 *
 * @param files each of them, in order
 * @param fileByTensor where the index says each tensor is; empty for one file
 */
record WeightFiles(List<Path> files, Map<String, Path> fileByTensor) {
    private static final List<String> STEMS =
            List.of("diffusion_pytorch_model", "model", "pytorch_model");
    private static final List<String> VARIANTS = List.of("", ".fp16", ".bf16", ".non_ema");
    private static final List<String> ENDINGS = List.of(".safetensors", ".bin");

    /** Finds the weights in the folder of a network; empty if it has none. */
    static Optional<WeightFiles> find(Path folder) throws IOException {
        for (String variant : VARIANTS) {
            for (String ending : ENDINGS) {
                for (String stem : STEMS) {
                    Path single = folder.resolve(stem + variant + ending);
                    if (Files.isRegularFile(single)) {
                        return Optional.of(new WeightFiles(List.of(single), Map.of()));
                    }
                    Path index = folder.resolve(stem + ending + ".index" + variant + ".json");
                    if (Files.isRegularFile(index)) {
                        return Optional.of(shards(index));
                    }
                }
            }
        }
        return Optional.empty();
    }

    /** What a folder without weights is told about. */
    static CheckpointFormatException absent(Path folder) throws IOException {
        Set<String> found = new TreeSet<>();
        try (Stream<Path> files = Files.list(folder)) {
            files.forEach(file -> found.add(file.getFileName().toString()));
        }
        return new CheckpointFormatException(
                "%s: no weights; expected %s.safetensors or .bin, or an index of shards; found %s"
                        .formatted(
                                folder,
                                String.join(", ", STEMS),
                                found.isEmpty() ? "nothing" : String.join(", ", found)));
    }

    private static WeightFiles shards(Path index) throws IOException {
        JsonNode map = JsonFile.readObject(index).path("weight_map");
        if (!map.isObject() || map.isEmpty()) {
            throw new CheckpointFormatException(
                    index + ": expected an object \"weight_map\" of tensor names and shard files");
        }
        Map<String, Path> fileByTensor = new LinkedHashMap<>();
        TreeMap<String, Path> shards = new TreeMap<>();
        for (Map.Entry<String, JsonNode> tensor : map.properties()) {
            String shard = tensor.getValue().asText();
            Path file = shard(index, shard);
            shards.put(shard, file);
            fileByTensor.put(tensor.getKey(), file);
        }
        return new WeightFiles(new ArrayList<>(shards.values()), fileByTensor);
    }

    /** A shard must be a file beside its index: the index must not lead out of the folder. */
    private static Path shard(Path index, String name) throws CheckpointFormatException {
        boolean plain =
                ENDINGS.stream().anyMatch(name::endsWith)
                        && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < 32);
        if (!plain) {
            throw new CheckpointFormatException(
                    "%s: \"weight_map\" names the shard %s; expected the name of a .safetensors or .bin file beside the index"
                            .formatted(index, Escaped.quote(name)));
        }
        Path file = index.resolveSibling(name);
        if (!Files.isRegularFile(file)) {
            throw new CheckpointFormatException(
                    "%s: shard %s is missing; download it into the same folder"
                            .formatted(index, name));
        }
        return file;
    }
}
