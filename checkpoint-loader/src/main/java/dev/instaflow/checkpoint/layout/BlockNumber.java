package dev.instaflow.checkpoint.layout;

import java.util.Collection;

/** Block numbers inside names. */
final class BlockNumber {
    /** What {@link #parse} returns for something else. */
    static final int NONE = -1;

    private BlockNumber() {}

    /**
     * A number as these names have it: no sign, no leading zero (so that writing it back gives the
     * same name), at most four digits (no model has more, and no sum of them overflows).
     */
    static int parse(String text) {
        if (text.isEmpty() || text.length() > 4 || text.length() > 1 && text.charAt(0) == '0') {
            return NONE;
        }
        int value = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9') {
                return NONE;
            }
            value = value * 10 + (c - '0');
        }
        return value;
    }

    /** How many blocks {@code prefix0., prefix1., …} there are: one more than the largest number. */
    static int count(Collection<String> names, String prefix) {
        int count = 0;
        for (String name : names) {
            if (name.startsWith(prefix)) {
                int dot = name.indexOf('.', prefix.length());
                if (dot > 0) {
                    count = Math.max(count, parse(name.substring(prefix.length(), dot)) + 1);
                }
            }
        }
        return count;
    }
}
