package dev.instaflow.checkpoint.lora;

import java.util.List;
import java.util.Optional;

/**
 * A key of a LoRA file, taken apart.
 *
 * @param module what stands before the suffix, old spellings made new
 * @param role which of the module's tensors it is
 */
record LoraKey(String module, Role role) {
    /** What a module's tensors are for. */
    enum Role {
        DOWN,
        UP,
        ALPHA
    }

    private record Suffix(String text, Role role) {}

    /** Longer ones first where one ends with another. */
    private static final List<Suffix> SUFFIXES =
            List.of(
                    // kohya-ss/sd-scripts networks/lora.py at 02298e3
                    new Suffix(".lora_down.weight", Role.DOWN),
                    new Suffix(".lora_up.weight", Role.UP),
                    // PEFT, with and without the adapter's name
                    new Suffix(".lora_A.default.weight", Role.DOWN),
                    new Suffix(".lora_B.default.weight", Role.UP),
                    new Suffix(".lora_A.weight", Role.DOWN),
                    new Suffix(".lora_B.weight", Role.UP),
                    // diffusers 0.14 to 0.25, by way of its own layers and attention processors
                    new Suffix(".lora_linear_layer.down.weight", Role.DOWN),
                    new Suffix(".lora_linear_layer.up.weight", Role.UP),
                    new Suffix(".lora.down.weight", Role.DOWN),
                    new Suffix(".lora.up.weight", Role.UP),
                    new Suffix("_lora.down.weight", Role.DOWN),
                    new Suffix("_lora.up.weight", Role.UP),
                    new Suffix(".alpha", Role.ALPHA));

    /** Takes a key apart; empty if it ends in no way that is known. */
    static Optional<LoraKey> parse(String key) {
        for (Suffix suffix : SUFFIXES) {
            if (key.endsWith(suffix.text)) {
                String module = key.substring(0, key.length() - suffix.text.length());
                return Optional.of(new LoraKey(present(module), suffix.role));
            }
        }
        return Optional.empty();
    }

    /** Attention processors said {@code processor.to_out} for {@code to_out.0}, CLIP's {@code to_q}. */
    private static String present(String module) {
        String name = module.replace(".processor.", ".");
        if (name.contains(".self_attn.to_")) {
            return name.endsWith(".to_out")
                    ? name.replace(".self_attn.to_out", ".self_attn.out_proj")
                    : name.replace(".self_attn.to_", ".self_attn.") + "_proj";
        }
        return name.endsWith(".to_out") ? name + ".0" : name;
    }
}
