package dev.instaflow.ptx.run;

import dev.instaflow.ptx.SpecialRegisters;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Numbers the registers of a kernel: its own, the special ones, then a register a constant. */
final class RegisterPlan {
    private final int own;
    private final List<Long> constants = new ArrayList<>();
    private final Map<Long, Integer> known = new HashMap<>();

    RegisterPlan(int own) {
        this.own = own;
    }

    int specialBase() {
        return own;
    }

    int constantBase() {
        return own + SpecialRegisters.names().size();
    }

    int special(String name) {
        return own + SpecialRegisters.names().indexOf(name);
    }

    int constant(long value) {
        return known.computeIfAbsent(
                value,
                v -> {
                    constants.add(v);
                    return constantBase() + constants.size() - 1;
                });
    }

    List<Long> constants() {
        return constants;
    }
}
