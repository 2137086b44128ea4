package dev.instaflow.model;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.layout.ArchitectureShapes;
import dev.instaflow.checkpoint.layout.TensorSpec;
import dev.instaflow.checkpoint.storage.ComputedEntry;
import dev.instaflow.checkpoint.storage.HeapCheckpoint;
import java.util.Arrays;
import java.util.Map;

/** Stable Diffusion 1.5 with all weights 0, which take no memory: for tests of what depends on shapes alone. */
public final class ZeroModel {
    private ZeroModel() {}

    /** With CompVis names. */
    public static Checkpoint open() {
        return HeapCheckpoint.of(
                ArchitectureShapes.sd15().tensors().stream().map(Zeros::new).toList(), Map.of());
    }

    private static final class Zeros extends ComputedEntry {
        Zeros(TensorSpec spec) {
            super(spec.name(), spec.shape());
        }

        @Override
        public void readFloats(long first, float[] target, int offset, int length) {
            Arrays.fill(target, offset, offset + length, 0);
        }
    }
}
