package dev.instaflow.checkpoint.convert;

import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.diffusers.DiffusersFolder;
import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.KeyMap;
import dev.instaflow.checkpoint.layout.ModelIdentity;
import dev.instaflow.checkpoint.layout.ModelKind;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.safetensors.SafetensorsWriter;
import dev.instaflow.checkpoint.storage.RenamedEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Writes a diffusers folder: weights as safetensors, configurations, and the tokenizer if any. */
final class DiffusersWriter {
    /** Side of the latents that Stable Diffusion 1.x was trained with. */
    private static final int SD_LATENT_SIDE = 64;

    private static final ObjectWriter JSON =
            new ObjectMapper()
                    .writer(
                            new DefaultPrettyPrinter()
                                    .withArrayIndenter(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE));

    private final CompVisView view;
    private final ArchitectureShapes shapes;
    private final ModelIdentity identity;
    private final NetworkSettings settings;
    private final List<String> notes;

    DiffusersWriter(
            CompVisView view,
            ArchitectureShapes shapes,
            ModelIdentity identity,
            NetworkSettings settings,
            List<String> notes) {
        this.view = view;
        this.shapes = shapes;
        this.identity = identity;
        this.settings = settings;
        this.notes = notes;
    }

    void write(Path target, List<Entry> tensors) throws IOException {
        Map<ModelPart, List<Entry>> parts = byPart(tensors);
        AtomicFolder.write(
                target,
                folder -> {
                    for (Map.Entry<ModelPart, List<Entry>> part : parts.entrySet()) {
                        writePart(folder, part.getKey(), part.getValue());
                    }
                    writeRest(folder);
                });
    }

    private Map<ModelPart, List<Entry>> byPart(List<Entry> tensors)
            throws CheckpointFormatException {
        KeyMap map = KeyMap.fromCompVis(tensors.stream().map(Entry::name).toList());
        Map<ModelPart, List<Entry>> parts = new EnumMap<>(ModelPart.class);
        for (Entry entry : tensors) {
            Optional<String> name = map.toDiffusers(entry.name());
            if (name.isEmpty()) {
                throw new CheckpointFormatException(
                        "%s: diffusers has no name for %s"
                                .formatted(view.path(), Escaped.quote(entry.name())));
            }
            for (ModelPart part : ModelPart.values()) {
                if (name.get().startsWith(part.diffusersPrefix())) {
                    parts.computeIfAbsent(part, p -> new ArrayList<>())
                            .add(
                                    RenamedEntry.of(
                                            entry,
                                            name.get().substring(part.diffusersPrefix().length()),
                                            KeyMap.diffusersShape(entry.name(), entry.shape())));
                }
            }
        }
        return parts;
    }

    private void writePart(Path folder, ModelPart part, List<Entry> tensors) throws IOException {
        Path partFolder = Files.createDirectory(folder.resolve(part.folder()));
        String file =
                part == ModelPart.TEXT
                        ? "model.safetensors"
                        : "diffusion_pytorch_model.safetensors";
        SafetensorsWriter.write(partFolder.resolve(file), tensors, Map.of("format", "pt"));
        Path config = partFolder.resolve("config.json");
        Optional<Path> own = source().flatMap(source -> source.config(part));
        if (own.isPresent()) {
            Files.copy(own.get(), config);
        } else {
            writeJson(config, config(part));
        }
    }

    private JsonNode config(ModelPart part) {
        return switch (part) {
            case UNET ->
                    DiffusersConfigs.unet(shapes.unet().orElseThrow(), settings, SD_LATENT_SIDE);
            case VAE -> DiffusersConfigs.vae(shapes.vae().orElseThrow(), settings, SD_LATENT_SIDE);
            case TEXT -> DiffusersConfigs.text(shapes.text().orElseThrow(), settings);
        };
    }

    private void writeRest(Path folder) throws IOException {
        Optional<Path> tokenizer = source().flatMap(DiffusersFolder::tokenizer);
        if (tokenizer.isPresent()) {
            copyFiles(tokenizer.get(), Files.createDirectory(folder.resolve("tokenizer")));
        } else {
            notes.add("no tokenizer: the input has none; copy one into tokenizer/");
        }
        Path scheduler = Files.createDirectory(folder.resolve("scheduler"));
        Path schedulerConfig = scheduler.resolve("scheduler_config.json");
        Optional<Path> ownScheduler = source().flatMap(DiffusersFolder::schedulerConfig);
        if (ownScheduler.isPresent()) {
            Files.copy(ownScheduler.get(), schedulerConfig);
        } else {
            writeJson(schedulerConfig, DiffusersConfigs.scheduler());
        }
        writeJson(folder.resolve("model_index.json"), modelIndex(tokenizer));
    }

    /** A new list, not the input's: the safety checker and the like do not come along. */
    private JsonNode modelIndex(Optional<Path> tokenizer) {
        String pipeline =
                view.metadata().get("_class_name") instanceof String own
                        ? own
                        : identity.kind() == ModelKind.INSTAFLOW
                                ? "RectifiedFlowPipeline"
                                : "StableDiffusionPipeline";
        return DiffusersConfigs.modelIndex(pipeline, view.parts(), tokenizer);
    }

    private Optional<DiffusersFolder> source() {
        return view.source() instanceof DiffusersFolder folder
                ? Optional.of(folder)
                : Optional.empty();
    }

    private static void copyFiles(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
    }

    private static void writeJson(Path file, JsonNode json) throws IOException {
        Files.writeString(file, JSON.writeValueAsString(json) + "\n");
    }
}
