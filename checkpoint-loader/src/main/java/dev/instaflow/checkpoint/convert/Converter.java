package dev.instaflow.checkpoint.convert;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.ckpt.CkptWriter;
import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.IgnorableKeys;
import dev.instaflow.checkpoint.layout.KeyReport;
import dev.instaflow.checkpoint.layout.ModelIdentity;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.checkpoint.safetensors.SafetensorsWriter;
import dev.instaflow.checkpoint.storage.ConvertedEntry;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Converts model files. A model of a known layout is checked first: nothing may be missing or of
 * another shape, and nothing left over on the way into a diffusers folder. In a single file its
 * tensors get CompVis names; tensors of no part keep theirs, so that any tensor file may change its
 * container. What is left out, and why:
 *
 * <ul>
 *   <li>the 12 buffers of the diffusion schedule: every program recomputes them from the schedule,
 *       and half-precision files hold them wrong;
 *   <li>{@code model_ema.*}: the result has one weight set, the plain or, if asked for, the averaged;
 *   <li>the other {@link IgnorableKeys}, such as the training loss and the safety checker.
 * </ul>
 *
 * <p>{@code position_ids} is kept where it is there, always as 64-bit integers; some half-precision
 * files hold it as floats.
 */
public final class Converter {
    private Converter() {}

    /**
     * Converts one model.
     *
     * @param conversion what into what
     * @return what has been written
     * @throws FileAlreadyExistsException if something is at the output and shall stay
     * @throws CheckpointFormatException if the input cannot be read, does not have the weights that
     *     are asked for, is not whole, holds a value beyond the range of the element type, or holds
     *     tensors for which diffusers has no name
     * @throws IOException if the output cannot be written; it is then as it was before
     */
    public static ConversionResult convert(Conversion conversion) throws IOException {
        refuseOverwrite(conversion);
        try (CompVisView view = CompVisView.open(conversion.input(), conversion.weights())) {
            List<String> notes = new ArrayList<>();
            ArchitectureShapes shapes = ArchitectureShapes.of(view);
            ModelIdentity identity = ModelIdentity.of(view);
            KeyReport report = requireWhole(view, shapes, identity);
            List<Entry> tensors = tensors(view, conversion, notes);
            switch (conversion.target()) {
                case CKPT -> CkptWriter.write(conversion.output(), tensors, extras(view));
                case SAFETENSORS ->
                        SafetensorsWriter.write(
                                conversion.output(), tensors, Map.of("format", "pt"));
                case DIFFUSERS -> {
                    requireNamed(view, identity, report);
                    NetworkSettings settings =
                            conversion.settings().isPresent()
                                    ? conversion.settings().get()
                                    : SettingsLookup.find(view, shapes, notes);
                    new DiffusersWriter(view, shapes, identity, settings, notes)
                            .write(conversion.output(), tensors);
                }
            }
            return result(conversion, tensors, notes);
        }
    }

    private static void refuseOverwrite(Conversion conversion) throws IOException {
        Path output = conversion.output();
        if (!Files.exists(output)) {
            return;
        }
        if (conversion.overwrite() == Overwrite.REFUSE) {
            throw new FileAlreadyExistsException(
                    output.toString(), null, "it exists; ask to overwrite it, or choose another");
        }
        if (conversion.input().toRealPath().startsWith(output.toRealPath())) {
            throw new FileAlreadyExistsException(
                    output.toString(), conversion.input().toString(), "it is or holds the input");
        }
        boolean folder = conversion.target() == Target.DIFFUSERS;
        if (Files.isDirectory(output) != folder) {
            throw new FileAlreadyExistsException(
                    output.toString(),
                    null,
                    "expected a " + (folder ? "folder" : "file") + " there");
        }
        if (folder && !Files.exists(output.resolve("model_index.json"))) {
            throw new FileAlreadyExistsException(
                    output.toString(), null, "a folder that is no diffusers model is not replaced");
        }
    }

    private static KeyReport requireWhole(
            CompVisView view, ArchitectureShapes shapes, ModelIdentity identity)
            throws CheckpointFormatException {
        KeyReport report = KeyReport.compare(shapes.tensors(), view);
        for (ModelPart part : view.parts()) {
            boolean derived =
                    switch (part) {
                        case UNET -> shapes.unet().isPresent();
                        case VAE -> shapes.vae().isPresent();
                        case TEXT -> shapes.text().isPresent();
                    };
            if (identity.kind().hasKnownTensors() && !derived) {
                throw new CheckpointFormatException(
                        "%s: the %s is so incomplete that its sizes cannot be told; inspect the file"
                                .formatted(view.path(), part.folder()));
            }
        }
        boolean whole = report.missing().isEmpty() && report.wrongShape().isEmpty();
        if (identity.kind().hasKnownTensors() && !whole) {
            report.requireFit(view);
        }
        return report;
    }

    /** Diffusers has names for the tensors of the known architectures and for no others. */
    private static void requireNamed(CompVisView view, ModelIdentity identity, KeyReport report)
            throws CheckpointFormatException {
        if (!identity.kind().hasKnownTensors()) {
            throw new CheckpointFormatException(
                    "%s: %s; only models in Stable Diffusion 1.x layout become diffusers folders"
                            .formatted(view.path(), identity.kind().description()));
        }
        if (!report.unexpected().isEmpty()) {
            report.requireFit(view);
        }
    }

    private static List<Entry> tensors(
            CompVisView view, Conversion conversion, List<String> notes) {
        List<Entry> tensors = new ArrayList<>();
        int ema = 0;
        int others = 0;
        for (Entry entry : view.entries()) {
            if (entry.name().endsWith("." + PositionIds.NAME)) {
                tensors.add(PositionIds.of(entry));
            } else if (entry.name().startsWith("model_ema.")) {
                ema++;
            } else if (IgnorableKeys.contains(entry.name())) {
                others++;
            } else {
                tensors.add(retyped(entry, conversion));
            }
        }
        if (ema > 0) {
            notes.add("left out: %d EMA tensors (model_ema.*)".formatted(ema));
        }
        if (others > 0) {
            notes.add(
                    "left out: %d buffers and other tensors that no network needs"
                            .formatted(others));
        }
        return tensors;
    }

    private static Entry retyped(Entry entry, Conversion conversion) {
        boolean convert = conversion.dtype().isPresent() && entry.dtype().isFloat();
        return convert ? ConvertedEntry.of(entry, conversion.dtype().get()) : entry;
    }

    /** The trainer's counters, where the input has them. */
    private static Map<String, Object> extras(Checkpoint checkpoint) {
        Map<String, Object> extras = new LinkedHashMap<>();
        for (String key : Set.of("epoch", "global_step")) {
            if (checkpoint.metadata().get(key) instanceof Number number) {
                extras.put(key, number);
            }
        }
        return extras;
    }

    private static ConversionResult result(
            Conversion conversion, List<Entry> tensors, List<String> notes) {
        long parameters = tensors.stream().mapToLong(Entry::count).sum();
        long bytes = tensors.stream().mapToLong(Entry::sizeBytes).sum();
        return new ConversionResult(
                conversion.output(), conversion.target(), tensors.size(), parameters, bytes, notes);
    }
}
