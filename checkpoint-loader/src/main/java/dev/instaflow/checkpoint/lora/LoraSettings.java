package dev.instaflow.checkpoint.lora;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * What PEFT's {@code LoraConfig} says of one module, where diffusers has kept it beside the weights.
 *
 * @param alpha if it is said
 * @param rankStabilised divided by the root of the rank. Kalajdzievski 2023, "A Rank Stabilization Scaling
 *     Factor for Fine-Tuning with LoRA"
 */
record LoraSettings(OptionalDouble alpha, boolean rankStabilised) {
    /** Settings of a module by its name in the file, whose first part is the network. */
    static LoraSettings of(JsonNode settings, String module) {
        String network = module.contains(".") ? module.substring(0, module.indexOf('.') + 1) : "";
        if (settings.path(network + "use_dora").asBoolean(false)) {
            throw new IllegalArgumentException(
                    "a DoRA, which also scales the weights' columns; only plain LoRA is applied");
        }
        OptionalDouble alpha = number(settings.path(network + "lora_alpha"));
        for (Map.Entry<String, JsonNode> pattern :
                settings.path(network + "alpha_pattern").properties()) {
            if (module.equals(pattern.getKey()) || module.endsWith("." + pattern.getKey())) {
                alpha = number(pattern.getValue());
            }
        }
        return new LoraSettings(alpha, settings.path(network + "use_rslora").asBoolean(false));
    }

    private static OptionalDouble number(JsonNode node) {
        return node.isNumber() ? OptionalDouble.of(node.asDouble()) : OptionalDouble.empty();
    }

    /** Alpha as the plain rule {@code alpha/rank} needs it. */
    double alpha(int rank) {
        double said = alpha.orElse(rank);
        return rankStabilised ? said * Math.sqrt(rank) : said;
    }
}
