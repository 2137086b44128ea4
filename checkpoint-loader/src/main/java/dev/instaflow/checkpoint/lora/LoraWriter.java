package dev.instaflow.checkpoint.lora;

import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.safetensors.SafetensorsWriter;
import dev.instaflow.checkpoint.storage.ComputedEntry;
import dev.instaflow.checkpoint.storage.HeapEntry;
import dev.instaflow.checkpoint.storage.RenamedEntry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes LoRA files as safetensors, each tensor in the type that it has. */
public final class LoraWriter {
    private LoraWriter() {}

    /**
     * Writes a file.
     *
     * @param target replaced if it exists, when all is written
     * @param format how keys are spelled
     * @param modules at least one
     * @param targets of the model that they change
     * @param metadata for the header, beside what the format has there
     * @throws IllegalArgumentException if diffusers has no name for a weight
     * @throws IOException if the file cannot be written
     */
    public static void write(
            Path target,
            LoraFormat format,
            List<LoraModule> modules,
            LoraTargets targets,
            Map<String, String> metadata)
            throws IOException {
        List<Entry> entries = new ArrayList<>();
        for (LoraModule module : modules) {
            String name =
                    targets.moduleName(module.target(), format)
                            .orElseThrow(
                                    () ->
                                            new IllegalArgumentException(
                                                    "LoRA of \"%s\": no file format has a name for it"
                                                            .formatted(module.target())));
            List<Long> shape = targets.shapes().get(module.target());
            if (!module.fits(shape)) {
                throw new IllegalArgumentException(
                        "LoRA of \"%s\" does not fit its weight %s"
                                .formatted(module.target(), shape));
            }
            entries.addAll(entries(name, format, module, shape));
        }
        Map<String, String> header = new LinkedHashMap<>(metadata);
        header.put("format", "pt");
        if (format == LoraFormat.KOHYA) {
            header.put("ss_network_module", "networks.lora");
            header.put("ss_network_dim", same(modules.stream().map(m -> "" + m.rank()).toList()));
            header.put(
                    "ss_network_alpha", same(modules.stream().map(m -> "" + m.alpha()).toList()));
        }
        SafetensorsWriter.write(target, entries, header);
    }

    /** As sd-scripts' own tools write where modules differ. */
    private static String same(List<String> values) {
        return values.stream().distinct().count() == 1 ? values.get(0) : "Dynamic";
    }

    private static List<Entry> entries(
            String name, LoraFormat format, LoraModule module, List<Long> weight) {
        long rank = module.rank();
        List<Long> downShape = new ArrayList<>(weight);
        downShape.set(0, rank);
        List<Long> upShape = new ArrayList<>(List.of(weight.get(0), rank));
        weight.stream().skip(2).forEach(size -> upShape.add(1L));
        Entry up = module.up();
        return switch (format) {
            case KOHYA ->
                    List.of(
                            RenamedEntry.of(module.down(), name + ".lora_down.weight", downShape),
                            RenamedEntry.of(up, name + ".lora_up.weight", upShape),
                            HeapEntry.ofFloats(name + ".alpha", List.of(), (float) module.alpha()));
            case DIFFUSERS ->
                    List.of(
                            RenamedEntry.of(module.down(), name + ".lora_A.weight", downShape),
                            RenamedEntry.of(
                                    module.scale() == 1 ? up : scaled(up, module.scale()),
                                    name + ".lora_B.weight",
                                    upShape));
        };
    }

    private static Entry scaled(Entry source, double scale) {
        float factor = (float) scale;
        return new ComputedEntry(source.name(), source.shape()) {
            @Override
            public void readFloats(long first, float[] target, int offset, int length)
                    throws IOException {
                source.readFloats(first, target, offset, length);
                for (int i = offset; i < offset + length; i++) {
                    target[i] *= factor;
                }
            }
        };
    }
}
