package dev.instaflow.ptx.run;

/** The rounding modes of PTX. */
enum Rounding {
    NEAREST_EVEN,
    NEAREST_AWAY,
    ZERO,
    DOWN,
    UP;

    /** From {@code rn}, {@code rna}, {@code rz}, {@code rm}, {@code rp}, or those with an i for integers. */
    static Rounding named(String modifier) {
        return switch (modifier) {
            case "rz", "rzi" -> ZERO;
            case "rm", "rmi" -> DOWN;
            case "rp", "rpi" -> UP;
            case "rna" -> NEAREST_AWAY;
            default -> NEAREST_EVEN;
        };
    }

    /** The mode for the magnitude of a number of that sign. */
    Rounding signed(boolean negative) {
        if (!negative) {
            return this;
        }
        return this == DOWN ? UP : this == UP ? DOWN : this;
    }

    double toInteger(double value) {
        return switch (this) {
            case NEAREST_EVEN -> Math.rint(value);
            case NEAREST_AWAY -> Math.copySign(Math.floor(Math.abs(value) + 0.5), value);
            case ZERO -> value < 0 ? Math.ceil(value) : Math.floor(value);
            case DOWN -> Math.floor(value);
            case UP -> Math.ceil(value);
        };
    }

    boolean overflowsToInfinity() {
        return this == NEAREST_EVEN || this == NEAREST_AWAY || this == UP;
    }

    /** Rounds a double to a float. */
    float toFloat(double value) {
        float nearest = (float) value;
        if (this == NEAREST_EVEN || this == NEAREST_AWAY || Double.isNaN(value)) {
            return nearest;
        }
        boolean down = this == DOWN || this == ZERO && value > 0;
        boolean up = this == UP || this == ZERO && value < 0;
        if (down && nearest > value) {
            return Math.nextDown(nearest);
        }
        return up && nearest < value ? Math.nextUp(nearest) : nearest;
    }
}
