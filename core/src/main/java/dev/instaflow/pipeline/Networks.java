package dev.instaflow.pipeline;

import dev.instaflow.backend.Backend;
import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.layout.ModelPart;
import dev.instaflow.clip.ClipTextModel;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.unet.UNet;
import dev.instaflow.vae.AutoencoderKl;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The networks of one model, in the order in which a request needs them. They are read from a checkpoint that
 * stays open, so that all of them are from one file whatever is put in its place. Thread-safe.
 */
final class Networks implements AutoCloseable {
    private final Checkpoint source;
    private final MemoryMode mode;
    private final long largestBytes;
    private final Network<ClipTextModel> text;
    private final Network<AutoencoderKl> encoder;
    private final Network<UNet> unet;
    private final Network<AutoencoderKl> decoder;
    private final ReentrantLock turns = new ReentrantLock(true);

    /** Loads nothing yet; {@code source} is closed with this object. */
    Networks(Backend backend, Checkpoint source, ModelConfig config, MemoryMode mode) {
        this.source = source;
        this.mode = mode;
        this.largestBytes = largestBytes(source);
        Network.Afterwards afterwards =
                mode == MemoryMode.RESIDENT ? Network.Afterwards.KEEP : Network.Afterwards.FREE;
        text =
                new Network<>(
                        () -> ClipTextModel.load(backend, source, config.text()),
                        freeing(backend, ClipTextModel::close),
                        afterwards);
        unet =
                new Network<>(
                        () -> UNet.load(backend, source, config.unet()),
                        freeing(backend, UNet::close),
                        afterwards);
        Backend wide = backend.wideRange();
        encoder = half(wide, source, config, AutoencoderKl.Parts.ENCODER, afterwards);
        decoder = half(wide, source, config, AutoencoderKl.Parts.DECODER, afterwards);
    }

    private static Network<AutoencoderKl> half(
            Backend backend,
            Checkpoint source,
            ModelConfig config,
            AutoencoderKl.Parts parts,
            Network.Afterwards afterwards) {
        return new Network<>(
                () -> AutoencoderKl.load(backend, source, config.vae(), parts),
                freeing(backend, AutoencoderKl::close),
                afterwards);
    }

    /** With its weights goes what it computed in: the next network wants other sizes. */
    private static <N> Consumer<N> freeing(Backend backend, Consumer<N> closer) {
        return closer.andThen(closed -> backend.releaseIdle());
    }

    /** In F32, of the network that has most. */
    private static long largestBytes(Checkpoint source) {
        long largest = 0;
        for (ModelPart part : ModelPart.values()) {
            long values = 0;
            for (Entry entry : source.entries()) {
                values += entry.name().startsWith(part.compVisPrefix()) ? entry.count() : 0;
            }
            largest = Math.max(largest, values * Float.BYTES);
        }
        return largest;
    }

    Network<ClipTextModel> text() {
        return text;
    }

    Network<AutoencoderKl> encoder() {
        return encoder;
    }

    Network<UNet> unet() {
        return unet;
    }

    Network<AutoencoderKl> decoder() {
        return decoder;
    }

    /** Loads what every request needs, if it is to stay. */
    void loadResident() throws IOException {
        if (mode == MemoryMode.RESIDENT) {
            text.load();
            unet.load();
            decoder.load();
        }
    }

    /** Loads everything and lets the file go. To be called before anything runs. */
    void loadWholly() throws IOException {
        loadResident();
        encoder.load();
        source.close();
    }

    /** Most memory that weights will take beside what is loaded between two requests. */
    long bytesToCome() {
        return mode == MemoryMode.RESIDENT ? 0 : largestBytes;
    }

    /** Runs a request, alone if only one network may be loaded at a time. */
    <R> R inTurn(Supplier<R> request) {
        if (mode == MemoryMode.RESIDENT) {
            return request.get();
        }
        turns.lock();
        try {
            return request.get();
        } finally {
            turns.unlock();
        }
    }

    /** Frees the weights and closes the file; a second call does nothing. */
    @Override
    public void close() {
        List.of(text, encoder, unet, decoder).forEach(Network::close);
        try {
            source.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
