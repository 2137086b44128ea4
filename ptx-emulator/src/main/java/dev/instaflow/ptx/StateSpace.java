package dev.instaflow.ptx;

import java.util.Locale;
import java.util.Optional;

/** Where a variable or an access lives; an access without a space is {@link #GENERIC}. */
public enum StateSpace {
    GENERIC,
    GLOBAL,
    SHARED,
    LOCAL,
    CONST,
    PARAM;

    /**
     * @param name without the dot, such as {@code shared}
     */
    public static Optional<StateSpace> named(String name) {
        for (StateSpace space : values()) {
            if (space != GENERIC && space.name().toLowerCase(Locale.ROOT).equals(name)) {
                return Optional.of(space);
            }
        }
        return Optional.empty();
    }
}
