package dev.instaflow.ptx;

import java.util.List;

/** The registers that the hardware fills and that this module knows. */
public final class SpecialRegisters {
    private static final List<String> NAMES =
            List.of(
                    "%tid.x",
                    "%tid.y",
                    "%tid.z",
                    "%ntid.x",
                    "%ntid.y",
                    "%ntid.z",
                    "%ctaid.x",
                    "%ctaid.y",
                    "%ctaid.z",
                    "%nctaid.x",
                    "%nctaid.y",
                    "%nctaid.z",
                    "%laneid",
                    "%warpid",
                    "%lanemask_eq",
                    "%lanemask_le",
                    "%lanemask_lt",
                    "%lanemask_ge",
                    "%lanemask_gt",
                    "%nwarpid",
                    "%smid",
                    "%nsmid",
                    "%gridid",
                    "%dynamic_smem_size",
                    "%total_smem_size",
                    "WARP_SZ");

    private SpecialRegisters() {}

    /** In a fixed order, by which a runner numbers them. */
    public static List<String> names() {
        return NAMES;
    }

    static boolean isKnown(String name) {
        return NAMES.contains(name);
    }
}
