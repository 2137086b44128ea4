package dev.instaflow.checkpoint.layout;

import dev.instaflow.checkpoint.Entry;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a checkpoint is, and what says so.
 *
 * @param kind what it is
 * @param parts the networks of which it has tensors
 * @param hasEma whether it has the U-Net's averaged weights beside the plain ones
 * @param reasons what the kind was told by, a sentence each, strongest first
 */
public record ModelIdentity(
        ModelKind kind, Set<ModelPart> parts, boolean hasEma, List<String> reasons) {
    private static final int SD2_CONTEXT = 1024;
    private static final int SDXL_CONTEXT = 2048;
    private static final int INPAINTING_CHANNELS = 9;

    private static final Pattern KOHYA_LORA = Pattern.compile("lora_(unet|te\\d?)_.*");
    private static final Pattern OTHER_LORA =
            Pattern.compile(".*([._]lora[._](up|down|A|B)\\.|lora_linear_layer).*");

    /** Takes copies of the collections. */
    public ModelIdentity {
        parts = Set.copyOf(parts);
        reasons = List.copyOf(reasons);
    }

    /**
     * Tells what a checkpoint is.
     *
     * @param view its tensors under CompVis names
     * @return the most special kind that fits
     * @throws IOException if the card beside the file cannot be read
     */
    public static ModelIdentity of(CompVisView view) throws IOException {
        List<String> reasons = new ArrayList<>();
        ModelKind kind = kind(view, reasons);
        return new ModelIdentity(kind, view.parts(), view.hasEma(), reasons);
    }

    private static ModelKind kind(CompVisView view, List<String> reasons) throws IOException {
        if (isLora(view, reasons)) {
            return ModelKind.LORA;
        }
        if (view.parts().isEmpty()) {
            reasons.add(
                    has(view, "control_model.")
                            ? "it has a ControlNet and no U-Net, VAE or text encoder"
                            : "no U-Net, VAE or text encoder has tensors of these names");
            return ModelKind.UNKNOWN;
        }
        Optional<UNetShape> unet = ArchitectureShapes.of(view).unet();
        int context = unet.map(UNetShape::contextDim).orElse(0);
        if (isXl(view, context, reasons)) {
            return ModelKind.STABLE_DIFFUSION_XL;
        }
        if (context == SD2_CONTEXT || has(view, "cond_stage_model.model.")) {
            reasons.add(
                    context == SD2_CONTEXT
                            ? "the U-Net reads text states of 1024 channels"
                            : "the text encoder is OpenCLIP's");
            return ModelKind.STABLE_DIFFUSION_2;
        }
        if (unet.isPresent() && unet.get().inChannels() == INPAINTING_CHANNELS) {
            reasons.add("the U-Net reads 9 channels: latent, mask and masked latent");
            return ModelKind.INPAINTING;
        }
        if (view.parts().size() == 1 && !view.parts().contains(ModelPart.UNET)) {
            ModelPart only = view.parts().iterator().next();
            reasons.add("it has tensors of the %s only".formatted(only.folder()));
            return only == ModelPart.VAE ? ModelKind.VAE_ONLY : ModelKind.TEXT_ENCODER_ONLY;
        }
        return diffusionModel(view, reasons);
    }

    private static ModelKind diffusionModel(CompVisView view, List<String> reasons)
            throws IOException {
        List<String> hints = FlowHints.of(view);
        reasons.addAll(hints);
        reasons.add(
                "the tensors do not tell Stable Diffusion 1.x and InstaFlow apart: "
                        + (hints.isEmpty() ? "nothing says flow" : "what stands beside them does"));
        if (view.parts().size() == 1) {
            reasons.add("it has tensors of the unet only");
            return ModelKind.UNET_ONLY;
        }
        return hints.isEmpty() ? ModelKind.STABLE_DIFFUSION_1 : ModelKind.INSTAFLOW;
    }

    private static boolean isLora(CompVisView view, List<String> reasons) {
        long kohya = count(view, KOHYA_LORA);
        long other = count(view, OTHER_LORA);
        // A model may carry a stray adapter; a LoRA has little else.
        if (2 * (kohya + other) <= view.entries().size()) {
            return false;
        }
        reasons.add(
                kohya > 0
                        ? "its names are kohya's: lora_unet_*, lora_te_*"
                        : "its names are those of diffusers or PEFT: .lora.up, lora_A");
        return true;
    }

    private static boolean isXl(CompVisView view, int context, List<String> reasons) {
        if (context == SDXL_CONTEXT) {
            reasons.add("the U-Net reads text states of 2048 channels");
            return true;
        }
        for (String prefix :
                List.of(
                        "model.diffusion_model.label_emb.",
                        "model.diffusion_model.add_embedding.",
                        "unet.add_embedding.",
                        "conditioner.embedders.1.")) {
            if (has(view, prefix)) {
                reasons.add("it has tensors \"%s*\"".formatted(prefix));
                return true;
            }
        }
        return false;
    }

    private static boolean has(CompVisView view, String prefix) {
        return view.entries().stream().anyMatch(entry -> entry.name().startsWith(prefix));
    }

    private static long count(CompVisView view, Pattern pattern) {
        return view.entries().stream()
                .map(Entry::name)
                .filter(name -> pattern.matcher(name).matches())
                .count();
    }
}
