package dev.instaflow.checkpoint.inspect;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Escaped;
import dev.instaflow.checkpoint.layout.ModelPart;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** An inspection for people. */
final class InspectionText {
    private static final int BLOCKS_SHOWN = 100;

    private final List<String> lines = new ArrayList<>();

    private InspectionText() {}

    static String of(Inspection inspection) {
        InspectionText text = new InspectionText();
        text.head(inspection);
        inspection.contents().ifPresent(text::contents);
        return String.join("\n", text.lines);
    }

    private void head(Inspection inspection) {
        line("%s", Escaped.plain(inspection.file().path().toString()));
        line(
                "  file      %s, %s",
                inspection.file().kind().description(), size(inspection.bytes()));
        for (Map.Entry<Path, String> hash : inspection.sha256().entrySet()) {
            line("  sha256    %s  %s", hash.getValue(), fileName(hash.getKey()));
        }
        inspection.problem().ifPresent(problem -> line("  problem   %s", problem));
    }

    private void contents(ModelContents model) {
        line("  model     %s", model.identity().kind().description());
        model.identity().reasons().forEach(reason -> line("            - %s", reason));
        line("  parts     %s", parts(model.identity().parts()));
        sizes(model);
        line("  EMA       %s", model.identity().hasEma() ? "present (model_ema.*)" : "none");
        line(
                "  tensors   %d, %,d parameters, %s: %s",
                model.total().tensors(),
                model.total().parameters(),
                size(model.total().bytes()),
                model.types().stream()
                        .map(type -> type.tensors() + " " + type.name())
                        .collect(Collectors.joining(", ")));
        keys(model);
        model.notes().forEach(note -> line("  note      %s", note));
        memory(model.memory());
        model.metadata()
                .forEach(
                        (key, value) ->
                                line(
                                        "  metadata  %s = %s",
                                        Escaped.plain(key), Escaped.plain(value.toString())));
        blocks(model.blocks());
    }

    private void sizes(ModelContents model) {
        model.shapes()
                .unet()
                .ifPresent(
                        unet ->
                                line(
                                        "  unet      %d -> %d channels, width %d x %s, %d res blocks, attention on levels %s, text width %d",
                                        unet.inChannels(),
                                        unet.outChannels(),
                                        unet.modelChannels(),
                                        unet.channelMult(),
                                        unet.numResBlocks(),
                                        unet.attentionLevels(),
                                        unet.contextDim()));
        model.shapes()
                .vae()
                .ifPresent(
                        vae ->
                                line(
                                        "  vae       %d -> %d channels, %d latent channels, factor %d, width %d x %s, %d res blocks",
                                        vae.inChannels(),
                                        vae.outChannels(),
                                        vae.embedDim(),
                                        vae.factor(),
                                        vae.ch(),
                                        vae.chMult(),
                                        vae.numResBlocks()));
        model.shapes()
                .text()
                .ifPresent(
                        text ->
                                line(
                                        "  text      %d tokens of %d words, width %d, %d layers",
                                        text.maxLength(),
                                        text.vocab(),
                                        text.width(),
                                        text.layers()));
    }

    private void keys(ModelContents model) {
        if (model.keys().isEmpty()) {
            line("  names     not checked: the architecture is none that this library runs");
            return;
        }
        String text = model.keys().get().text().replace("\n", "\n            ");
        line("  names     %s", text);
    }

    private void memory(MemoryEstimate memory) {
        if (memory.weightBytes() > 0) {
            line(
                    "  memory    about %s in F32 for %dx%d: weights %s, U-Net %s or VAE %s",
                    size(memory.totalBytes()),
                    memory.width(),
                    memory.height(),
                    size(memory.weightBytes()),
                    size(memory.unetBytes()),
                    size(memory.vaeBytes()));
        }
    }

    private void blocks(List<BlockSummary> blocks) {
        line("  blocks    tensors    parameters         size  types");
        for (BlockSummary block : blocks.subList(0, Math.min(BLOCKS_SHOWN, blocks.size()))) {
            line(
                    "            %7d %,13d %12s  %-8s %s",
                    block.tensors(),
                    block.parameters(),
                    size(block.bytes()),
                    types(block.dtypes()),
                    block.name());
        }
        if (blocks.size() > BLOCKS_SHOWN) {
            line("            and %d more blocks", blocks.size() - BLOCKS_SHOWN);
        }
    }

    private void line(String format, Object... values) {
        lines.add(String.format(Locale.ROOT, format, values));
    }

    private static String parts(Set<ModelPart> parts) {
        List<String> there = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        for (ModelPart part : ModelPart.values()) {
            (parts.contains(part) ? there : missing).add(part.folder());
        }
        String names = there.isEmpty() ? "none" : String.join(", ", there);
        return missing.isEmpty()
                ? names
                : names + " (not in it: " + String.join(", ", missing) + ")";
    }

    private static String types(Set<DType> types) {
        return types.stream().sorted().map(DType::name).collect(Collectors.joining(","));
    }

    private static String fileName(Path path) {
        return Escaped.plain(String.valueOf(path.getFileName()));
    }

    /** Binary units, three digits: 1023 B, 6.55 MiB, 3.97 GiB. */
    static String size(long bytes) {
        String[] units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1024) {
            value /= 1024;
            unit++;
        }
        return unit == 0
                ? bytes + " B"
                : String.format(
                        Locale.ROOT, value < 100 ? "%.2f %s" : "%.0f %s", value, units[unit]);
    }
}
