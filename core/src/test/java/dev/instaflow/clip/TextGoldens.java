package dev.instaflow.clip;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.model.GoldenCase;
import dev.instaflow.model.TestBackend;
import dev.instaflow.model.TinyModel;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tensor.TensorAssert;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The text encoder against transformers' {@code CLIPTextModel}, on one backend. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class TextGoldens {
    /** Advised by those who made the goldens: F32 against F64 differs by up to 3e-6. */
    private static final double TOLERANCE = 1e-5;

    private final TestBackend kind;
    private Backend backend;
    private ClipTextModel model;

    TextGoldens(TestBackend kind) {
        this.kind = kind;
    }

    @BeforeAll
    void load() throws IOException {
        backend = kind.open();
        try (Checkpoint checkpoint = TinyModel.open()) {
            model = ClipTextModel.load(backend, checkpoint, TinyModel.TEXT);
        }
    }

    @AfterAll
    void closesWithoutLeaks() {
        model.close();
        backend.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"text_0", "text_1", "text_2", "text_3", "text_short_batch2"})
    void lastHiddenStateMatches(String name) {
        GoldenCase golden = new GoldenCase(name);
        try (Scope scope = backend.openScope(name)) {
            Tensor states = model.forward(scope.ops(), golden.ids(), BlockMonitor.NONE);
            golden.check(kind.name(), "last_hidden_state", scope.ops().toArray(states), TOLERANCE);
        }
    }

    @Test
    void everyLayerMatches() {
        GoldenCase golden = new GoldenCase("text_1");
        List<String> names = new ArrayList<>();
        List<float[]> outputs = new ArrayList<>();
        BlockMonitor recorder =
                (block, ops, output) -> {
                    names.add(block);
                    outputs.add(ops.toArray(output));
                };
        try (Scope scope = backend.openScope("layers")) {
            model.forward(scope.ops(), golden.ids(), recorder);
        }
        assertEquals(model.blockNames(), names);
        float[] hidden = golden.floats("hidden_states"); // [1 + layers,T,C]
        int size = hidden.length / (1 + TinyModel.TEXT.layers());
        for (int i = 0; i <= TinyModel.TEXT.layers(); i++) {
            TensorAssert.close(
                    names.get(i),
                    outputs.get(i),
                    Arrays.copyOfRange(hidden, i * size, (i + 1) * size),
                    TOLERANCE);
        }
    }
}
