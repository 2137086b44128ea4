package dev.instaflow.checkpoint.layout;

import dev.instaflow.checkpoint.Escaped;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The block that a tensor is listed under. */
public final class BlockName {
    /** Up to the number of the block, where the networks have numbered blocks. */
    private static final Pattern BLOCK =
            Pattern.compile(
                    "model\\.diffusion_model\\.(?:(?:input_blocks|output_blocks)\\.\\d+|[^.]+)"
                            + "|first_stage_model\\.(?:encoder\\.down\\.\\d+|decoder\\.up\\.\\d+"
                            + "|(?:encoder|decoder)\\.mid|[^.]+)"
                            + "|cond_stage_model\\.transformer\\.text_model\\."
                            + "(?:encoder\\.layers\\.\\d+|[^.]+)"
                            + "|cond_stage_model\\.model\\.(?:transformer\\.resblocks\\.\\d+|[^.]+)"
                            + "|lora_(?:unet|te\\d?)"
                            + "|model_ema");

    private BlockName() {}

    /**
     * The block of a tensor.
     *
     * @param name a name of a {@link CompVisView}
     * @return for example {@code model.diffusion_model.input_blocks.4}; printable
     */
    public static String of(String name) {
        if (IgnorableKeys.isScheduleBuffer(name)) {
            return "schedule buffers";
        }
        Matcher block = BLOCK.matcher(name);
        if (block.lookingAt()) {
            return Escaped.plain(block.group());
        }
        String[] segments = name.split("\\.");
        return Escaped.plain(segments.length < 3 ? name : segments[0] + "." + segments[1]);
    }

    /** The name inside its block: what {@link #of} leaves over, or the whole name. */
    static String inside(String name) {
        String block = of(name);
        String prefix = block + ".";
        return Escaped.plain(name.startsWith(prefix) ? name.substring(prefix.length()) : name);
    }
}
