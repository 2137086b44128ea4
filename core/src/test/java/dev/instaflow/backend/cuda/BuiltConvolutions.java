package dev.instaflow.backend.cuda;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.model.ModelConfig;
import dev.instaflow.model.TinyModel;
import dev.instaflow.model.ZeroModel;
import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.standin.StandIn;
import dev.instaflow.standin.StandInSettings;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.unet.UNet;
import dev.instaflow.unet.UNetConfig;
import dev.instaflow.vae.AutoencoderKl;
import dev.instaflow.vae.VaeConfig;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import jcuda.driver.JCudaDriver;

/**
 * Prints every convolution that the backend builds for Stable Diffusion 1.5 and the tiny model, a line each: the
 * networks go through the backend itself, on the stand-in, which only counts here.
 */
final class BuiltConvolutions {
    private static final long PLENTY = 400L << 30;

    private final Set<String> lines = new LinkedHashSet<>();

    private BuiltConvolutions() {}

    /** Pixels of an image. */
    private record Size(int height, int width) {}

    public static void main(String... none) throws IOException {
        StandIn.install(StandInSettings.dry().withMemoryBytes(PLENTY));
        NvidiaLibrary.loadAll();
        JCudaDriver.cuInit(0);
        BuiltConvolutions built = new BuiltConvolutions();
        ModelConfig full = ModelConfig.sd15();
        List<Size> sizes = List.of(new Size(512, 512), new Size(512, 768), new Size(768, 512));
        for (Precision precision : Precision.values()) {
            try (Checkpoint shapes = ZeroModel.open()) {
                built.run(settings(precision), shapes, full.unet(), full.vae(), sizes);
            }
            try (Checkpoint tiny = TinyModel.open()) {
                List<Size> square = List.of(new Size(64, 64), new Size(96, 64));
                built.run(settings(precision), tiny, TinyModel.UNET, TinyModel.VAE, square);
            }
        }
        built.lines.forEach(System.out::println);
    }

    /** With each of them once as what the wide range is computed in. */
    private static CudaSettings settings(Precision precision) {
        CudaSettings settings = CudaSettings.of(precision);
        return precision == Precision.BF16 ? settings.withWideRange(Precision.BF16) : settings;
    }

    private void run(
            CudaSettings settings,
            Checkpoint checkpoint,
            UNetConfig unetConfig,
            VaeConfig vaeConfig,
            List<Size> sizes)
            throws IOException {
        try (CudaBackend backend = CudaBackend.open(settings)) {
            try (UNet unet = UNet.load(backend, checkpoint, unetConfig);
                    AutoencoderKl vae =
                            AutoencoderKl.load(
                                    backend.wideRange(),
                                    checkpoint,
                                    vaeConfig,
                                    AutoencoderKl.Parts.BOTH)) {
                for (Size size : sizes) {
                    for (int n = 1; n <= 2; n++) {
                        predict(backend, unet, vaeConfig.factor(), n, size);
                        encodeAndDecode((CudaBackend) backend.wideRange(), vae, n, size);
                    }
                }
            }
            backend.engine().convolutions().shapes().forEach(this::add);
        }
    }

    private static void predict(CudaBackend backend, UNet unet, int factor, int n, Size size) {
        try (Scope scope = backend.openScope("unet")) {
            Ops ops = scope.ops();
            int channels = unet.config().inChannels();
            Shape latent = Shape.of(n, size.height / factor, size.width / factor, channels);
            Shape text = Shape.of(n, 77, unet.config().contextDim());
            unet.forward(
                    ops, zeros(ops, latent), new float[n], zeros(ops, text), BlockMonitor.NONE);
        }
    }

    private static void encodeAndDecode(CudaBackend backend, AutoencoderKl vae, int n, Size size) {
        try (Scope scope = backend.openScope("vae")) {
            Ops ops = scope.ops();
            VaeConfig config = vae.config();
            Shape image = Shape.of(n, size.height, size.width, config.inChannels());
            vae.encode(ops, zeros(ops, image), BlockMonitor.NONE);
            Shape latent =
                    Shape.of(
                            n,
                            size.height / config.factor(),
                            size.width / config.factor(),
                            config.embedDim());
            vae.decode(ops, zeros(ops, latent), BlockMonitor.NONE);
        }
    }

    private static Tensor zeros(Ops ops, Shape shape) {
        return ops.tensor("zeros", shape, new float[Math.toIntExact(shape.count())]);
    }

    private void add(ConvolutionShape shape) {
        lines.add(line(shape));
    }

    /** As {@link #shape} reads it. */
    static String line(ConvolutionShape s) {
        return "%s %d %d %d %d %d %d %d %d"
                .formatted(
                        s.numerics(),
                        s.kernel(),
                        s.stride(),
                        s.padding(),
                        s.n(),
                        s.height(),
                        s.width(),
                        s.in(),
                        s.out());
    }

    static ConvolutionShape shape(String line) {
        String[] words = line.split(" ");
        int[] s = Arrays.stream(words).skip(1).mapToInt(Integer::parseInt).toArray();
        return ConvolutionShape.of(
                Numerics.valueOf(words[0]),
                new ConvSpec(s[0], s[1], s[2], s[2], s[2], s[2]),
                Shape.of(s[3], s[4], s[5], s[6]),
                s[7]);
    }
}
