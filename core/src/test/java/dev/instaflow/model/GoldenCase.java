package dev.instaflow.model;

import dev.instaflow.ops.Ops;
import dev.instaflow.tensor.ChannelOrder;
import dev.instaflow.tensor.Npy;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.tensor.TensorAssert;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * One case of what the original programs compute: a folder of arrays, see {@code
 * src/test/resources/golden/README.md}. Images are channels first in the files and channels last here.
 */
public record GoldenCase(Path folder) {
    /** Where the cases of the small random models are. */
    public static final Path FOLDER = Path.of("src/test/resources/golden");

    public GoldenCase(String name) {
        this(FOLDER.resolve(name));
    }

    public Npy array(String file) {
        try {
            return Npy.read(folder.resolve(file + ".npy"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Values as they stand in the file. */
    public float[] floats(String file) {
        return array(file).floats();
    }

    /** A sequence or vector, as it stands in the file. */
    public Tensor tensor(Ops ops, String file) {
        Npy array = array(file);
        return ops.tensor(file, array.shape(), array.floats());
    }

    /** An image, channels last. */
    public Tensor image(Ops ops, String file) {
        Shape nchw = array(file).shape();
        return ops.tensor(file, ChannelOrder.channelsLast(nchw), channelsLast(file));
    }

    /** Values of an image, channels last. */
    public float[] channelsLast(String file) {
        Npy array = array(file);
        return array.shape().rank() == 4
                ? ChannelOrder.toChannelsLast(array.shape(), array.floats())
                : array.floats();
    }

    /** Token ids, a row a text. */
    public int[][] ids() {
        Npy array = array("ids");
        int length = array.shape().intSize(1);
        int[] all = array.ints();
        int[][] rows = new int[array.shape().intSize(0)][];
        for (int n = 0; n < rows.length; n++) {
            rows[n] = Arrays.copyOfRange(all, n * length, (n + 1) * length);
        }
        return rows;
    }

    public boolean has(String file) {
        return Files.exists(folder.resolve(file + ".npy"));
    }

    /** Compares an image or a sequence with its file and prints the worst error, for reports. */
    public void check(String backend, String file, float[] actual, double tolerance) {
        String what = folder.getFileName() + "/" + file;
        double worst = TensorAssert.close(what, actual, channelsLast(file), tolerance);
        System.out.printf(
                "golden %-60s %-10s worst %.2e, allowed %.0e%n", what, backend, worst, tolerance);
    }
}
