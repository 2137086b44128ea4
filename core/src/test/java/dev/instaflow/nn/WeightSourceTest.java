package dev.instaflow.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.backend.Backend;
import dev.instaflow.backend.reference.ReferenceBackend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.clip.ClipTextConfig;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.model.TinyModel;
import dev.instaflow.ops.FloatSource;
import dev.instaflow.ops.Scope;
import dev.instaflow.ops.WeightForm;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.unet.UNet;
import dev.instaflow.unet.UNetConfig;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What happens to a file that is not the model, and who owns what when loading fails. */
class WeightSourceTest {
    private final Backend backend = new ReferenceBackend(ReferenceBackend.Precision.F32);
    private Checkpoint checkpoint;

    @BeforeEach
    void open() throws IOException {
        checkpoint = TinyModel.open();
    }

    /** The backend refuses to close while a tensor is alive: no test may leave a weight behind. */
    @AfterEach
    void close() throws IOException {
        checkpoint.close();
        backend.close();
    }

    @Test
    void listsMissingAndLeftOverAndMisshapenWeightsAtOnce() {
        // One level more on the way, and another context: the file has no such blocks.
        UNetConfig other =
                new UNetConfig(4, 4, 32, List.of(1, 1, 2, 2), 2, Set.of(1, 2), 8, 1, 24, 32, 8);
        String message =
                assertThrows(
                                CheckpointFormatException.class,
                                () -> UNet.load(backend, checkpoint, other))
                        .getMessage();
        assertTrue(message.startsWith(TinyModel.FILE.toString()), message);
        for (String part : List.of("missing", "unexpected", "another shape", "input_blocks.7")) {
            assertTrue(message.contains(part), message);
        }
    }

    @Test
    void namesAMissingPart() throws IOException {
        try (Checkpoint unetOnly = Checkpoint.open(TinyModel.UNET64_FILE)) {
            String message =
                    assertThrows(
                                    CheckpointFormatException.class,
                                    () ->
                                            AutoencoderKl.load(
                                                    backend,
                                                    unetOnly,
                                                    TinyModel.VAE,
                                                    AutoencoderKl.Parts.DECODER))
                            .getMessage();
            assertTrue(message.contains("first_stage_model."), message);
        }
    }

    @Test
    void freesWhatWasUploadedWhenAnUploadFails() {
        try (FailingBackend failing = new FailingBackend(100)) {
            assertThrows(IOException.class, () -> UNet.load(failing, checkpoint, TinyModel.UNET));
            assertEquals(100, failing.uploads);
        }
    }

    @Test
    void freesEverythingWhenTheModelCannotBeBuilt() {
        Weights.ModelBuilder<Object> builder =
                (weights, owned) -> {
                    weights.take("text_model.final_layer_norm.bias", WeightForm.PLAIN, 16);
                    if (!owned.tensors().isEmpty()) {
                        throw new IllegalStateException("the second time");
                    }
                    return "built";
                };
        assertThrows(
                IllegalStateException.class,
                () ->
                        new WeightSource(backend, checkpoint, ModelPart.TEXT)
                                .load(key -> true, builder));
    }

    @Test
    void modelOwnsItsWeightsByTheirKeys() throws IOException {
        ClipTextModel model = ClipTextModel.load(backend, checkpoint, TinyModel.TEXT);
        assertEquals(
                List.copyOf(ClipTextModel.parameters(TinyModel.TEXT).keySet()),
                List.copyOf(model.weights().tensors().keySet()));
        model.close();
        model.close();
        Tensor weight = model.weights().tensors().values().iterator().next();
        String message = assertThrows(IllegalStateException.class, weight::storage).getMessage();
        assertTrue(message.contains("its model was closed"), message);
    }

    @Test
    void decoderAloneUploadsNothingOfTheEncoder() throws IOException {
        Set<String> all = AutoencoderKl.parameters(TinyModel.VAE).keySet();
        try (AutoencoderKl model =
                AutoencoderKl.load(
                        backend, checkpoint, TinyModel.VAE, AutoencoderKl.Parts.DECODER)) {
            assertEquals(
                    all.stream()
                            .filter(
                                    name ->
                                            !name.startsWith("encoder.")
                                                    && !name.startsWith("quant_conv."))
                            .toList(),
                    List.copyOf(model.weights().tensors().keySet()));
            assertTrue(model.encoderBlockNames().isEmpty());
        }
    }

    @Test
    void textEncoderIgnoresTheBufferOfPositions() throws IOException {
        assertTrue(
                checkpoint
                        .find("cond_stage_model.transformer.text_model.embeddings.position_ids")
                        .isPresent());
        ClipTextModel.load(backend, checkpoint, TinyModel.TEXT).close();
        ClipTextConfig longer = new ClipTextConfig(49408, 16, 3, 4, 64, 78, ClipTextConfig.EPS);
        assertThrows(
                CheckpointFormatException.class,
                () -> ClipTextModel.load(backend, checkpoint, longer));
    }

    /** A backend that runs out at some weight. */
    private static final class FailingBackend implements Backend {
        private final Backend delegate = new ReferenceBackend(ReferenceBackend.Precision.F32);
        private final int limit;
        private int uploads;

        FailingBackend(int limit) {
            this.limit = limit;
        }

        @Override
        public Tensor upload(String name, WeightForm form, Shape shape, FloatSource values)
                throws IOException {
            if (uploads == limit) {
                throw new IOException("weight " + uploads);
            }
            uploads++;
            return delegate.upload(name, form, shape, values);
        }

        @Override
        public String description() {
            return delegate.description();
        }

        @Override
        public Scope openScope(String name) {
            return delegate.openScope(name);
        }

        @Override
        public long heldBytes() {
            return delegate.heldBytes();
        }

        @Override
        public void close() {
            delegate.close();
        }
    }
}
