package dev.instaflow.pipeline;

import dev.instaflow.backend.Backend;
import dev.instaflow.model.ModelCard;
import dev.instaflow.model.ModelConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Makes images from text. An engine holds one set of weights on one device, for as long as it is open or, by
 * {@link MemoryMode}, for as long as a request needs them:
 *
 * <pre>{@code
 * try (TextToImage engine = TextToImage.open(ModelSource.of(Path.of("instaflow.ckpt")))) {
 *     GenerationRequest request = GenerationRequest.of("a photo of a cat").withSeed(42);
 *     engine.generate(request).get(0).writePng(Path.of("cat.png"));
 * }
 * }</pre>
 *
 * <p>Thread-safe: any number of threads may generate at once and share the weights, each with its own
 * activations. Close it when none is generating any more. A cancelled or failed generation frees what it
 * held, and the engine can be used again at once.
 */
public final class TextToImage implements AutoCloseable {
    private final Backend backend;
    private final LoadedModel model;
    private final EngineSettings settings;

    /** Asked for once: the answer comes from the system's files, at 50 KB of garbage a time. */
    private final long limitBytes;

    private final GenerationRun.Workplace workplace;

    /** Takes backend and model over. */
    TextToImage(Backend backend, LoadedModel model, EngineSettings settings) {
        this.backend = backend;
        this.workplace = new GenerationRun.Workplace(backend, new ConcurrentLinkedQueue<>());
        this.model = model;
        this.settings = settings;
        this.limitBytes = settings.memoryBytesOn(backend);
    }

    /**
     * The bundled emoji model on the device that {@code Device.auto()} chooses.
     *
     * @return an engine, to be closed by the caller
     * @throws IOException if the artifact {@code instaflow-emoji-model} is not on the class path
     */
    public static TextToImage bundled() throws IOException {
        return open(ModelSource.bundled());
    }

    /**
     * A model on the device that {@code Device.auto()} chooses.
     *
     * @param source where the model lies
     * @return an engine, to be closed by the caller
     * @throws IOException if a file is missing, damaged or not such a model
     */
    public static TextToImage open(ModelSource source) throws IOException {
        return open(source, EngineSettings.defaults());
    }

    /**
     * A model on a chosen device.
     *
     * @param source where the model lies
     * @param settings device, memory and which weights
     * @return an engine, to be closed by the caller
     * @throws IOException if a file is missing, damaged or not such a model
     * @throws dev.instaflow.backend.BackendUnavailableException if the device cannot be used
     */
    public static TextToImage open(ModelSource source, EngineSettings settings) throws IOException {
        Backend backend = settings.device().open(settings.memory().weights());
        try {
            return new TextToImage(backend, source.load(backend, settings), settings);
        } catch (IOException | RuntimeException e) {
            backend.close();
            throw e;
        }
    }

    /**
     * What the model was made for.
     *
     * @return its card
     */
    public ModelCard card() {
        return model.card();
    }

    /**
     * The sizes of its networks.
     *
     * @return its configuration
     */
    public ModelConfig config() {
        return model.config();
    }

    /**
     * Checksum of the model's file, or of the weight files of its folder; the first call reads them.
     *
     * @return SHA-256 in lower-case hexadecimal
     */
    public String weightsSha256() {
        return model.sha256().get();
    }

    /**
     * Where it computes.
     *
     * @return one line for people
     */
    public String device() {
        return backend.description();
    }

    /**
     * Captions that the model was trained on, if it comes with a list.
     *
     * @return possibly empty
     */
    public List<Caption> captions() {
        return model.text().captions();
    }

    /**
     * Looks at a prompt without running anything.
     *
     * @param prompt any text
     * @return what of it the model will not understand
     */
    public PromptNotes notesOn(String prompt) {
        return model.text().notesOn(prompt);
    }

    /**
     * Makes the images of a request.
     *
     * @param request what to make
     * @return as many images as the request asks for, in the order of their seeds
     * @throws IllegalArgumentException if the request is impossible or contradicts the model's card
     * @throws dev.instaflow.nn.NonFiniteException if a block computes a NaN or an infinity
     */
    public List<GeneratedImage> generate(GenerationRequest request) {
        return generate(request, RunControl.none());
    }

    /**
     * Makes the images of a request, watched.
     *
     * @param request what to make
     * @param control who watches and who may cancel
     * @return as many images as the request asks for, in the order of their seeds
     * @throws IllegalArgumentException if the request is impossible or contradicts the model's card
     * @throws java.util.concurrent.CancellationException if it was cancelled
     * @throws dev.instaflow.nn.NonFiniteException if a block computes a NaN or an infinity
     */
    public List<GeneratedImage> generate(GenerationRequest request, RunControl control) {
        GenerationPlan plan =
                GenerationPlan.of(model.card(), model.config().vae().factor(), request);
        return model.networks().inTurn(() -> generate(plan, control));
    }

    private List<GeneratedImage> generate(GenerationPlan plan, RunControl control) {
        long memory = limitBytes - backend.usedBytes() - model.networks().bytesToCome();
        GenerationRun run = new GenerationRun(model, plan, memory, workplace, control);
        List<GenerationRun.Result> results = run.run();
        List<GeneratedImage> images = new ArrayList<>();
        for (int i = 0; i < results.size(); i++) {
            GenerationRun.Result result = results.get(i);
            images.add(
                    new GeneratedImage(
                            result.pixels(), result.latents(), parameters(plan, i), run.times()));
        }
        return images;
    }

    private ImageParameters parameters(GenerationPlan plan, int index) {
        GenerationRequest request = plan.request();
        OptionalDouble strength =
                request.initImage().isEmpty()
                        ? OptionalDouble.empty()
                        : OptionalDouble.of(request.initImage().get().strength());
        return new ImageParameters(
                request.prompt(),
                request.negativePrompt(),
                plan.sampler().kind(),
                plan.sampler().steps(),
                plan.guidance().scale(),
                plan.width(),
                plan.height(),
                request.seeds().first() + index,
                request.seeds().source(),
                strength,
                Map.of(),
                new ImageParameters.Stamp(
                        model.card().identity().name(),
                        weightsSha256(),
                        settings.weights(),
                        LibraryVersion.current(),
                        backend.description()));
    }

    /** Frees the weights and the device; a second call does nothing. */
    @Override
    public void close() {
        try {
            model.close();
        } finally {
            backend.close();
        }
    }
}
