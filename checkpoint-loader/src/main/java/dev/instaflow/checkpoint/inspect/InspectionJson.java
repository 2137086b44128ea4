package dev.instaflow.checkpoint.inspect;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.checkpoint.layout.KeyReport;
import dev.instaflow.checkpoint.layout.ModelIdentity;
import dev.instaflow.checkpoint.layout.TensorSpec;
import dev.instaflow.checkpoint.layout.TextShape;
import dev.instaflow.checkpoint.layout.UNetShape;
import dev.instaflow.checkpoint.layout.VaeShape;
import java.util.Collection;
import java.util.List;

/** An inspection for programs. Keys are only ever added, so that readers keep working. */
final class InspectionJson {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private InspectionJson() {}

    static ObjectNode of(Inspection inspection) {
        ObjectNode root = NODES.objectNode();
        root.put("path", inspection.file().path().toString());
        root.put("file", inspection.file().kind().name());
        root.put("bytes", inspection.bytes());
        root.put("whole", inspection.isWhole());
        inspection.problem().ifPresent(problem -> root.put("problem", problem));
        if (!inspection.sha256().isEmpty()) {
            ObjectNode hashes = root.putObject("sha256");
            inspection.sha256().forEach((path, hash) -> hashes.put(path.toString(), hash));
        }
        inspection.contents().ifPresent(contents -> add(root, contents));
        return root;
    }

    private static void add(ObjectNode root, ModelContents model) {
        root.put("format", model.format().name());
        ModelIdentity identity = model.identity();
        root.put("kind", identity.kind().name());
        addAll(root.putArray("reasons"), identity.reasons());
        ArrayNode parts = root.putArray("parts");
        identity.parts().stream().sorted().forEach(part -> parts.add(part.folder()));
        root.put("ema", identity.hasEma());
        root.set("sizes", sizes(model.shapes()));
        root.set("total", summary(model.total()));
        model.types().forEach(type -> root.withArray("types").add(summary(type)));
        model.keys().ifPresent(keys -> root.set("names", names(keys)));
        addAll(root.putArray("notes"), model.notes());
        root.set("memory", memory(model.memory()));
        ObjectNode metadata = root.putObject("metadata");
        model.metadata().forEach((key, value) -> metadata.putPOJO(key, value));
        model.blocks().forEach(block -> root.withArray("blocks").add(summary(block)));
    }

    private static ObjectNode sizes(ArchitectureShapes shapes) {
        ObjectNode sizes = NODES.objectNode();
        shapes.unet().ifPresent(unet -> sizes.set("unet", unet(unet)));
        shapes.vae().ifPresent(vae -> sizes.set("vae", vae(vae)));
        shapes.text().ifPresent(text -> sizes.set("text_encoder", text(text)));
        return sizes;
    }

    private static ObjectNode unet(UNetShape unet) {
        ObjectNode node = NODES.objectNode();
        node.put("inChannels", unet.inChannels());
        node.put("outChannels", unet.outChannels());
        node.put("modelChannels", unet.modelChannels());
        unet.channelMult().forEach(node.putArray("channelMult")::add);
        node.put("numResBlocks", unet.numResBlocks());
        unet.attentionLevels().forEach(node.putArray("attentionLevels")::add);
        node.put("transformerDepth", unet.transformerDepth());
        node.put("contextDim", unet.contextDim());
        return node;
    }

    private static ObjectNode vae(VaeShape vae) {
        ObjectNode node = NODES.objectNode();
        node.put("inChannels", vae.inChannels());
        node.put("outChannels", vae.outChannels());
        node.put("ch", vae.ch());
        vae.chMult().forEach(node.putArray("chMult")::add);
        node.put("numResBlocks", vae.numResBlocks());
        node.put("zChannels", vae.zChannels());
        node.put("embedDim", vae.embedDim());
        return node;
    }

    private static ObjectNode text(TextShape text) {
        ObjectNode node = NODES.objectNode();
        node.put("vocab", text.vocab());
        node.put("maxLength", text.maxLength());
        node.put("width", text.width());
        node.put("layers", text.layers());
        node.put("intermediate", text.intermediate());
        return node;
    }

    private static ObjectNode summary(BlockSummary block) {
        ObjectNode node = NODES.objectNode();
        node.put("name", block.name());
        node.put("tensors", block.tensors());
        node.put("parameters", block.parameters());
        node.put("bytes", block.bytes());
        ArrayNode types = node.putArray("types");
        block.dtypes().stream().sorted().forEach(type -> types.add(type.name()));
        return node;
    }

    private static ObjectNode names(KeyReport keys) {
        ObjectNode node = NODES.objectNode();
        node.put("expected", keys.expected().size());
        addAll(node.putArray("missing"), names(keys.missing()));
        addAll(node.putArray("unexpected"), names(keys.unexpected()));
        ArrayNode shapes = node.putArray("otherShape");
        for (KeyReport.WrongShape wrong : keys.wrongShape()) {
            ObjectNode tensor = shapes.addObject();
            tensor.put("name", wrong.name());
            wrong.expected().forEach(tensor.putArray("expected")::add);
            wrong.found().forEach(tensor.putArray("found")::add);
        }
        return node;
    }

    private static List<String> names(List<TensorSpec> tensors) {
        return tensors.stream().map(TensorSpec::name).toList();
    }

    private static ObjectNode memory(MemoryEstimate memory) {
        ObjectNode node = NODES.objectNode();
        node.put("width", memory.width());
        node.put("height", memory.height());
        node.put("weightBytes", memory.weightBytes());
        node.put("unetBytes", memory.unetBytes());
        node.put("vaeBytes", memory.vaeBytes());
        node.put("totalBytes", memory.totalBytes());
        return node;
    }

    private static void addAll(ArrayNode array, Collection<String> texts) {
        texts.forEach(array::add);
    }
}
