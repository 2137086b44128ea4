package dev.instaflow.pipeline;

import dev.instaflow.nn.BlockMonitor;
import dev.instaflow.ops.Ops;
import dev.instaflow.ops.Scope;
import dev.instaflow.tensor.Shape;
import dev.instaflow.tensor.Tensor;
import dev.instaflow.vae.AutoencoderKl;

/**
 * Decodes a large latent tile by tile, so that memory does not grow with the image. Neighbouring tiles
 * overlap and are blended linearly, since the normalisations see each tile's own statistics: the result
 * is close to that of a whole decode, not equal to it.
 */
final class TiledDecoder {
    private final AutoencoderKl vae;
    private final int side;
    private final int overlap;

    /**
     * @param side rows and columns of a tile, in latent pixels
     * @param overlap of neighbouring tiles, below {@code side}
     */
    TiledDecoder(AutoencoderKl vae, int side, int overlap) {
        if (side < 1 || overlap < 0 || overlap >= side) {
            throw new IllegalArgumentException("tiles of " + side + " that overlap by " + overlap);
        }
        this.vae = vae;
        this.side = side;
        this.overlap = overlap;
    }

    /** How many tiles a latent of this size takes. */
    int tiles(int height, int width) {
        return count(height) * count(width);
    }

    private int count(int size) {
        return size <= side ? 1 : 1 + -Math.floorDiv(side - size, side - overlap);
    }

    /** Where tile {@code i} begins; the last one ends with the latent. */
    private int start(int i, int size) {
        return Math.max(0, Math.min(i * (side - overlap), size - side));
    }

    /**
     * @param latent [1,h,w,C], raw
     * @return [H,W,C'] on the heap
     */
    float[] decode(Ops ops, Tensor latent, BlockMonitor monitor) {
        int height = latent.shape().intSize(1);
        int width = latent.shape().intSize(2);
        int factor = vae.config().factor();
        Canvas canvas = new Canvas(height * factor, width * factor, vae.config().outChannels());
        float[] values = ops.toArray(latent);
        for (int i = 0; i < count(height); i++) {
            for (int j = 0; j < count(width); j++) {
                int y = start(i, height);
                int x = start(j, width);
                int rows = Math.min(side, height);
                int columns = Math.min(side, width);
                try (Scope scope = ops.openScope()) {
                    Shape shape = latent.shape().with(1, rows).with(2, columns);
                    float[] cut = cut(values, width, new int[] {y, x}, shape);
                    Tensor tile = scope.ops().tensor("tile of " + latent.name(), shape, cut);
                    Tensor image = vae.decode(scope.ops(), tile, monitor);
                    canvas.blend(
                            scope.ops().toArray(image),
                            new int[] {y * factor, x * factor},
                            new int[] {rows * factor, columns * factor},
                            overlap * factor);
                }
            }
        }
        return canvas.image();
    }

    private static float[] cut(float[] values, int width, int[] at, Shape shape) {
        int c = shape.intSize(3);
        int rowLength = shape.intSize(2) * c;
        float[] cut = new float[Math.toIntExact(shape.count())];
        for (int row = 0; row < shape.intSize(1); row++) {
            int from = ((at[0] + row) * width + at[1]) * c;
            System.arraycopy(values, from, cut, row * rowLength, rowLength);
        }
        return cut;
    }

    /** A weighted mean of tiles. */
    private static final class Canvas {
        private final int height;
        private final int width;
        private final int channels;
        private final float[] sum;
        private final float[] weight;

        Canvas(int height, int width, int channels) {
            this.height = height;
            this.width = width;
            this.channels = channels;
            this.sum = new float[Math.multiplyExact(Math.multiplyExact(height, width), channels)];
            this.weight = new float[height * width];
        }

        void blend(float[] tile, int[] at, int[] size, int ramp) {
            for (int row = 0; row < size[0]; row++) {
                float rowWeight = ramp(row, at[0], size[0], height, ramp);
                for (int column = 0; column < size[1]; column++) {
                    float w = rowWeight * ramp(column, at[1], size[1], width, ramp);
                    int pixel = (at[0] + row) * width + at[1] + column;
                    weight[pixel] += w;
                    for (int c = 0; c < channels; c++) {
                        int from = (row * size[1] + column) * channels + c;
                        sum[pixel * channels + c] += w * tile[from];
                    }
                }
            }
        }

        /** Rises over the overlap with a neighbour, is 1 at the border of the image. */
        private static float ramp(int i, int start, int size, int total, int overlap) {
            float rising = start == 0 ? 1 : Math.min(1, (i + 0.5f) / overlap);
            float falling = start + size == total ? 1 : Math.min(1, (size - i - 0.5f) / overlap);
            return Math.min(rising, falling);
        }

        float[] image() {
            for (int i = 0; i < sum.length; i++) {
                sum[i] /= weight[i / channels];
            }
            return sum;
        }
    }
}
