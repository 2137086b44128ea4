package dev.instaflow.checkpoint.layout;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The block that a tensor is listed under, and names fit for a terminal. */
final class BlockName {
    private static final int LONGEST = 160;

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

    /** For example {@code model.diffusion_model.input_blocks.4}; never empty. */
    static String of(String name) {
        if (IgnorableKeys.isScheduleBuffer(name)) {
            return "schedule buffers";
        }
        Matcher block = BLOCK.matcher(name);
        if (block.lookingAt()) {
            return printable(block.group());
        }
        String[] segments = name.split("\\.");
        return printable(segments.length < 3 ? name : segments[0] + "." + segments[1]);
    }

    /** The name inside its block: what {@link #of} leaves over, or the whole name. */
    static String inside(String name) {
        String block = of(name);
        String prefix = block + ".";
        return printable(name.startsWith(prefix) ? name.substring(prefix.length()) : name);
    }

    /** A name from a file, with control characters spelled out and cut at 160 characters. */
    static String printable(String name) {
        StringBuilder text = new StringBuilder();
        name.codePoints()
                .limit(LONGEST)
                .forEach(
                        c -> {
                            boolean control =
                                    Character.isISOControl(c)
                                            || Character.getType(c) == Character.FORMAT
                                            || Character.getType(c) == Character.SURROGATE;
                            if (control) {
                                text.append(String.format("\\u%04x", c));
                            } else {
                                text.appendCodePoint(c);
                            }
                        });
        return name.codePointCount(0, name.length()) > LONGEST ? text + "…" : text.toString();
    }
}
