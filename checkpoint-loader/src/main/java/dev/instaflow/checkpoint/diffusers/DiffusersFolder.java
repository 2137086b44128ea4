package dev.instaflow.checkpoint.diffusers;

import com.fasterxml.jackson.databind.JsonNode;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormat;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.layout.JsonFile;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.storage.RenamedEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A model in diffusers' layout as one checkpoint: the tensors of {@code unet/}, {@code vae/} and
 * {@code text_encoder/}, their names behind {@code unet.}, {@code vae.}, {@code text_encoder.}. The
 * folder may hold only some of the networks, or be the folder of one. Model code reads it through
 * a {@code CompVisView}. Thread-safe.
 */
public final class DiffusersFolder implements Checkpoint {
    private static final String CONFIG = "config.json";

    private final Path folder;
    private final Map<ModelPart, Path> partFolders;
    private final List<Checkpoint> files = new ArrayList<>();
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, Object> metadata = new LinkedHashMap<>();

    private DiffusersFolder(Path folder, Map<ModelPart, Path> partFolders) {
        this.folder = folder;
        this.partFolders = Collections.unmodifiableMap(partFolders);
    }

    /**
     * Opens a model folder, or the folder of one network.
     *
     * @param folder with {@code unet/}, {@code vae/} or {@code text_encoder/}; or with a {@code
     *     config.json} of one of them and its weights
     * @return an open checkpoint, to be closed by the caller
     * @throws CheckpointFormatException if it is something else, if a network's folder has no
     *     weights, or if a file in it is damaged
     * @throws IOException if it cannot be read
     */
    public static DiffusersFolder open(Path folder) throws IOException {
        DiffusersFolder opened = new DiffusersFolder(folder, partFolders(folder));
        try {
            opened.readMetadata();
            for (Map.Entry<ModelPart, Path> part : opened.partFolders.entrySet()) {
                opened.openPart(part.getKey(), part.getValue());
            }
            return opened;
        } catch (IOException | RuntimeException e) {
            try {
                opened.close();
            } catch (IOException inner) {
                e.addSuppressed(inner);
            }
            throw e;
        }
    }

    /**
     * The networks that the folder holds.
     *
     * @return immutable
     */
    public Set<ModelPart> parts() {
        return partFolders.keySet();
    }

    /**
     * The configuration of a network: its sizes and what tensors do not tell, such as its heads.
     *
     * @param part a network
     * @return the path of its {@code config.json}; empty without that network or file
     */
    public Optional<Path> config(ModelPart part) {
        return Optional.ofNullable(partFolders.get(part))
                .map(path -> path.resolve(CONFIG))
                .filter(Files::isRegularFile);
    }

    /**
     * The list of what the folder holds, which names the pipeline's class.
     *
     * @return the path of {@code model_index.json}; empty if there is none
     */
    public Optional<Path> modelIndex() {
        return existing("model_index.json");
    }

    /**
     * The sampler that the model was published with.
     *
     * @return the path of {@code scheduler/scheduler_config.json}; empty if there is none
     */
    public Optional<Path> schedulerConfig() {
        return existing("scheduler/scheduler_config.json");
    }

    /**
     * The tokenizer's files.
     *
     * @return the folder {@code tokenizer}, if it holds a {@code vocab.json}
     */
    public Optional<Path> tokenizer() {
        return existing("tokenizer/vocab.json").map(Path::getParent);
    }

    /**
     * The folders beside the three networks: {@code scheduler}, {@code tokenizer}, {@code
     * safety_checker}, {@code text_encoder_2}, …
     *
     * @return their names, sorted
     * @throws IOException if the folder cannot be listed
     */
    public Set<String> otherFolders() throws IOException {
        Set<String> names = new TreeSet<>();
        try (Stream<Path> children = Files.list(folder)) {
            children.filter(Files::isDirectory)
                    .filter(path -> !partFolders.containsValue(path))
                    .forEach(path -> names.add(path.getFileName().toString()));
        }
        return names;
    }

    /**
     * The files that hold the weights.
     *
     * @return in the order of {@link #entries()}
     */
    public List<Path> weightFiles() {
        return files.stream().map(Checkpoint::path).toList();
    }

    @Override
    public Path path() {
        return folder;
    }

    @Override
    public CheckpointFormat format() {
        return CheckpointFormat.DIFFUSERS;
    }

    @Override
    public Collection<Entry> entries() {
        return Collections.unmodifiableCollection(entries.values());
    }

    @Override
    public Optional<Entry> find(String name) {
        return Optional.ofNullable(entries.get(name));
    }

    /**
     * What {@code model_index.json} says of itself, and the scheduler's class.
     *
     * @return {@code _class_name}, {@code _diffusers_version}, {@code scheduler._class_name}, as far
     *     as the folder has them
     */
    @Override
    public Map<String, Object> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    @Override
    public void verify() throws IOException {
        for (Checkpoint file : files) {
            file.verify();
        }
    }

    @Override
    public void close() throws IOException {
        IOException failure = null;
        for (Checkpoint file : files) {
            try {
                file.close();
            } catch (IOException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    private static Map<ModelPart, Path> partFolders(Path folder) throws IOException {
        Map<ModelPart, Path> folders = new EnumMap<>(ModelPart.class);
        for (ModelPart part : ModelPart.values()) {
            Path child = folder.resolve(part.folder());
            if (Files.isDirectory(child)) {
                folders.put(part, child);
            }
        }
        if (folders.isEmpty()) {
            folders.put(onlyPart(folder), folder);
        }
        return folders;
    }

    /** Which network a folder with a {@code config.json} of its own is. */
    private static ModelPart onlyPart(Path folder) throws IOException {
        Path config = folder.resolve(CONFIG);
        if (!Files.isRegularFile(config)) {
            throw new CheckpointFormatException(
                    folder
                            + ": no unet/, vae/ or text_encoder/ in it; expected a model in diffusers'"
                            + " layout, or a .ckpt or .safetensors file");
        }
        JsonNode root = JsonFile.readObject(config);
        String name = root.path("_class_name").asText(root.path("architectures").path(0).asText());
        return switch (name) {
            case "UNet2DConditionModel" -> ModelPart.UNET;
            case "AutoencoderKL" -> ModelPart.VAE;
            case "CLIPTextModel", "CLIPTextModelWithProjection", "CLIPModel" -> ModelPart.TEXT;
            default ->
                    throw new CheckpointFormatException(
                            "%s: the configuration of a %s; expected UNet2DConditionModel, AutoencoderKL or CLIPTextModel"
                                    .formatted(config, Escaped.quote(name)));
        };
    }

    private void readMetadata() throws IOException {
        Optional<Path> index = modelIndex();
        if (index.isPresent()) {
            JsonNode root = JsonFile.readObject(index.get());
            for (String key : List.of("_class_name", "_diffusers_version")) {
                putText(key, root.path(key));
            }
        }
        Optional<Path> scheduler = schedulerConfig();
        if (scheduler.isPresent()) {
            putText(
                    "scheduler._class_name",
                    JsonFile.readObject(scheduler.get()).path("_class_name"));
        }
    }

    private void putText(String key, JsonNode value) {
        if (value.isTextual()) {
            metadata.put(key, value.textValue());
        }
    }

    private void openPart(ModelPart part, Path partFolder) throws IOException {
        Optional<WeightFiles> found = WeightFiles.find(partFolder);
        if (found.isEmpty()) {
            throw WeightFiles.absent(partFolder);
        }
        WeightFiles weights = found.get();
        Map<String, Path> fileByTensor = new LinkedHashMap<>();
        for (Path file : weights.files()) {
            Checkpoint opened = Checkpoint.open(file);
            files.add(opened);
            for (Entry entry : opened.entries()) {
                String name = part.diffusersPrefix() + entry.name();
                Path other = fileByTensor.put(entry.name(), file);
                if (other != null) {
                    throw new CheckpointFormatException(
                            "%s: %s is in %s too; expected it once"
                                    .formatted(
                                            file,
                                            Escaped.quote(entry.name()),
                                            other.getFileName()));
                }
                entries.put(name, RenamedEntry.of(entry, name));
            }
        }
        for (Map.Entry<String, Path> tensor : weights.fileByTensor().entrySet()) {
            if (!tensor.getValue().equals(fileByTensor.get(tensor.getKey()))) {
                throw new CheckpointFormatException(
                        "%s: no tensor %s, which the index of the shards promises"
                                .formatted(tensor.getValue(), Escaped.quote(tensor.getKey())));
            }
        }
    }

    private Optional<Path> existing(String name) {
        return Optional.of(folder.resolve(name)).filter(Files::isRegularFile);
    }
}
