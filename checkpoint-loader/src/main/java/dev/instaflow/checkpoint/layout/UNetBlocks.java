package dev.instaflow.checkpoint.layout;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * How a U-Net's blocks are numbered. CompVis numbers the input blocks through all levels, a
 * downsampler being a block of its own, and the output blocks through all levels, an upsampler
 * standing behind the last residual block of its level: at index 1, or 2 where that level attends.
 * diffusers numbers inside each level. Output levels count from the innermost.
 */
final class UNetBlocks {
    /** A residual block (and its attention), or the downsampler behind {@code index} of them. */
    record Place(int level, int index) {}

    /** One block of CompVis: everything known of {@code input_blocks.i} or {@code output_blocks.i}. */
    private record Facts(boolean present, boolean attends, boolean resamples) {
        static final Facts ABSENT = new Facts(false, false, false);
    }

    private final List<Integer> inputCounts;
    private final List<Integer> outputCounts;
    private final Set<Integer> attendingOutputs;

    private UNetBlocks(
            List<Integer> inputCounts, List<Integer> outputCounts, Set<Integer> attendingOutputs) {
        this.inputCounts = inputCounts;
        this.outputCounts = outputCounts;
        this.attendingOutputs = attendingOutputs;
    }

    static UNetBlocks fromCompVis(Collection<String> names) {
        List<Facts> inputs = facts(names, "input_blocks.", "op.");
        List<Integer> inputCounts = new ArrayList<>();
        int count = 0;
        for (Facts block : inputs.subList(Math.min(1, inputs.size()), inputs.size())) {
            // A gap is taken for a lost downsampler: the blocks around it then keep their places.
            if (block.resamples() || !block.present()) {
                inputCounts.add(count);
                count = 0;
            } else {
                count++;
            }
        }
        inputCounts.add(count);

        List<Facts> outputs = facts(names, "output_blocks.", "conv.");
        List<Integer> outputCounts = new ArrayList<>();
        Set<Integer> attending = new HashSet<>();
        count = 0;
        for (int i = 0; i < outputs.size(); i++) {
            count++;
            if (outputs.get(i).attends()) {
                attending.add(i);
            }
            if (outputs.get(i).resamples() || i == outputs.size() - 1) {
                outputCounts.add(count);
                count = 0;
            }
        }
        return new UNetBlocks(inputCounts, outputCounts, attending);
    }

    static UNetBlocks fromDiffusers(Collection<String> names) {
        List<Integer> inputCounts = new ArrayList<>();
        for (int level = 0; level < BlockNumber.count(names, "down_blocks."); level++) {
            inputCounts.add(BlockNumber.count(names, "down_blocks." + level + ".resnets."));
        }
        List<Integer> outputCounts = new ArrayList<>();
        Set<Integer> attending = new HashSet<>();
        int first = 0;
        for (int level = 0; level < BlockNumber.count(names, "up_blocks."); level++) {
            int count = BlockNumber.count(names, "up_blocks." + level + ".resnets.");
            int attentions = BlockNumber.count(names, "up_blocks." + level + ".attentions.");
            for (int i = 0; i < attentions; i++) {
                attending.add(first + i);
            }
            outputCounts.add(count);
            first += count;
        }
        return new UNetBlocks(inputCounts, outputCounts, attending);
    }

    /** Levels of the contracting side, at least 1. */
    int levels() {
        return inputCounts.size();
    }

    /** Residual blocks of a level of the contracting side. */
    int inputCount(int level) {
        return inputCounts.get(level);
    }

    /** Where {@code input_blocks.i}, i at least 1, stands; the downsampler comes last in its level. */
    Place input(int i) {
        int left = i - 1;
        for (int level = 0; level < inputCounts.size(); level++) {
            if (left <= inputCounts.get(level)) {
                return new Place(level, left);
            }
            left -= inputCounts.get(level) + 1;
        }
        return new Place(inputCounts.size() - 1, i);
    }

    /** The i of {@code input_blocks.i} that stands at a place. */
    int inputIndex(Place place) {
        int i = 1 + place.index();
        for (int level = 0; level < place.level() && level < inputCounts.size(); level++) {
            i += inputCounts.get(level) + 1;
        }
        return i;
    }

    /** Where {@code output_blocks.i} stands. */
    Place output(int i) {
        int left = i;
        for (int level = 0; level < outputCounts.size(); level++) {
            if (left < outputCounts.get(level)) {
                return new Place(level, left);
            }
            left -= outputCounts.get(level);
        }
        return new Place(outputCounts.size(), left);
    }

    /** The i of {@code output_blocks.i} that stands at a place. */
    int outputIndex(Place place) {
        int i = place.index();
        for (int level = 0; level < place.level() && level < outputCounts.size(); level++) {
            i += outputCounts.get(level);
        }
        return i;
    }

    /** The i of the output block that carries the upsampler of a level. */
    int upsamplerIndex(int level) {
        int count = level < outputCounts.size() ? outputCounts.get(level) : 1;
        return outputIndex(new Place(level, count - 1));
    }

    /** The module number of the upsampler inside {@code output_blocks.i}. */
    int upsamplerSlot(int i) {
        return attendingOutputs.contains(i) ? 2 : 1;
    }

    /**
     * Facts of the blocks under a prefix, in order. The list ends at the first hole of two, so that
     * one stray name with a large number makes no layout of thousands of blocks.
     */
    private static List<Facts> facts(Collection<String> names, String prefix, String resampler) {
        int limit = BlockNumber.count(names, prefix);
        boolean[] present = new boolean[limit];
        boolean[] attends = new boolean[limit];
        boolean[] resamples = new boolean[limit];
        for (String name : names) {
            String[] parts = name.split("\\.", 4);
            if (parts.length < 4 || !name.startsWith(prefix)) {
                continue;
            }
            int i = BlockNumber.parse(parts[1]);
            if (i == BlockNumber.NONE) {
                continue;
            }
            present[i] = true;
            if (parts[3].startsWith(resampler)) {
                resamples[i] = true;
            } else if (parts[2].equals("1")) {
                attends[i] = true;
            }
        }
        List<Facts> facts = new ArrayList<>();
        for (int i = 0; i < limit; i++) {
            if (!present[i] && !(i + 1 < limit && present[i + 1])) {
                break;
            }
            facts.add(present[i] ? new Facts(true, attends[i], resamples[i]) : Facts.ABSENT);
        }
        return facts;
    }
}
