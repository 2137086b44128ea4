package dev.instaflow.checkpoint.convert;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.ckpt.CkptWriter;
import dev.instaflow.checkpoint.diffusers.DiffusersFolder;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.safetensors.SafetensorsWriter;
import dev.instaflow.checkpoint.storage.ConvertedEntry;
import dev.instaflow.checkpoint.storage.RenamedEntry;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * Writes a model again with some weights changed: the same container, names, order and element types, and
 * what stood beside the tensors. Averages ({@code model_ema.*}) are left out, since they are not of the changed
 * weights. Tensors are streamed; the result is there whole or not at all.
 */
public final class Rewriting {
    private static final String EMA = "model_ema.";
    private static final List<String> WEIGHT_FILES =
            List.of(".safetensors", ".bin", ".safetensors.index.json", ".bin.index.json");

    private Rewriting() {}

    /**
     * Writes a model.
     *
     * @param view the plain weights of the original
     * @param change from a tensor with its CompVis name and shape to what stands in its place, or itself
     * @param output a file or, for a diffusers folder, a folder
     * @param overwrite what happens to something that is there
     * @param provenance where the changes come from; kept in the file's metadata
     * @throws FileAlreadyExistsException if something is at the output and shall stay, or is the original
     * @throws IOException if a value is beyond the range of its element type, or the output cannot be written
     */
    public static void write(
            CompVisView view,
            UnaryOperator<Entry> change,
            Path output,
            Overwrite overwrite,
            Map<String, String> provenance)
            throws IOException {
        refuseOverwrite(view.path(), output, overwrite);
        List<Entry> tensors = tensors(view, change);
        switch (view.format()) {
            case CKPT_ZIP, CKPT_LEGACY -> {
                Map<String, Object> extras = new LinkedHashMap<>(view.metadata());
                extras.putAll(provenance);
                CkptWriter.write(output, tensors, extras);
            }
            case DIFFUSERS ->
                    writeFolder((DiffusersFolder) view.source(), tensors, output, provenance);
            case SAFETENSORS, MEMORY ->
                    SafetensorsWriter.write(output, tensors, strings(view, provenance));
        }
    }

    private static void refuseOverwrite(Path input, Path output, Overwrite overwrite)
            throws IOException {
        if (!Files.exists(output)) {
            return;
        }
        boolean same = Files.exists(input) && Files.isSameFile(input, output);
        if (same || overwrite == Overwrite.REFUSE) {
            throw new FileAlreadyExistsException(
                    output.toString(),
                    null,
                    same ? "it is the input" : "it exists; ask to overwrite it, or choose another");
        }
    }

    /** The view lists the tensors of its source in their order. */
    private static List<Entry> tensors(CompVisView view, UnaryOperator<Entry> change) {
        List<Entry> tensors = new ArrayList<>();
        Iterator<Entry> named = view.entries().iterator();
        for (Entry original : view.source().entries()) {
            Entry entry = named.next();
            Entry changed = change.apply(entry);
            if (changed == entry) {
                tensors.add(original);
            } else {
                tensors.add(
                        RenamedEntry.of(
                                retyped(changed, original.dtype()),
                                original.name(),
                                original.shape()));
            }
        }
        tensors.removeIf(entry -> entry.name().startsWith(EMA));
        return tensors;
    }

    /** F64 becomes F32: the values are no better. */
    private static Entry retyped(Entry changed, DType dtype) {
        return ConvertedEntry.of(changed, dtype == DType.F64 ? DType.F32 : dtype);
    }

    private static Map<String, String> strings(
            Checkpoint checkpoint, Map<String, String> provenance) {
        Map<String, String> strings = new LinkedHashMap<>();
        checkpoint.metadata().forEach((key, value) -> strings.put(key, value.toString()));
        strings.putAll(provenance);
        return strings;
    }

    private static void writeFolder(
            DiffusersFolder source,
            List<Entry> tensors,
            Path output,
            Map<String, String> provenance)
            throws IOException {
        AtomicFolder.write(
                output,
                temporary -> {
                    copyOthers(source.path(), temporary);
                    for (ModelPart part : source.parts()) {
                        Path config =
                                source.config(part)
                                        .orElse(source.path().resolve(part.folder() + "/x"));
                        Path folder =
                                temporary.resolve(source.path().relativize(config.getParent()));
                        Files.createDirectories(folder);
                        String stem = part == ModelPart.TEXT ? "model" : "diffusion_pytorch_model";
                        Map<String, String> header = new LinkedHashMap<>(provenance);
                        header.put("format", "pt");
                        SafetensorsWriter.write(
                                folder.resolve(stem + ".safetensors"),
                                ofPart(tensors, part.diffusersPrefix()),
                                header);
                    }
                });
    }

    private static List<Entry> ofPart(List<Entry> tensors, String prefix) {
        List<Entry> some = new ArrayList<>();
        for (Entry entry : tensors) {
            if (entry.name().startsWith(prefix)) {
                some.add(RenamedEntry.of(entry, entry.name().substring(prefix.length())));
            }
        }
        return some;
    }

    /** Weights of other networks, such as a safety checker, are copied as they are. */
    private static void copyOthers(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.sorted().toList()) {
                Path target = to.resolve(from.relativize(file).toString());
                if (Files.isDirectory(file)) {
                    Files.createDirectories(target);
                } else if (!isWritten(from, file)) {
                    Files.copy(file, target);
                }
            }
        }
    }

    private static boolean isWritten(Path root, Path file) {
        String name = file.getFileName().toString();
        String folder = root.relativize(file).getName(0).toString();
        boolean ofPart =
                file.getParent().equals(root)
                        || Stream.of(ModelPart.values()).anyMatch(p -> p.folder().equals(folder));
        return ofPart && WEIGHT_FILES.stream().anyMatch(name::endsWith);
    }
}
