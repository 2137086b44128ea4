package dev.instaflow.sampler;

/**
 * {@code torch.randn} in float32 on a CUDA generator: each thread of the kernel has its own Philox
 * sequence, and draws four numbers a round. The values depend on the number of threads, thus on the
 * GPU, but only where a call draws more numbers than the GPU runs threads: a T4's 40960 are enough for
 * the latents of 800x800 pixels. Beyond an A100's 221184 the values are those of an A100.
 */
final class TorchCudaStream implements NoiseStream {
    private static final int BLOCK = 256;
    private static final int MAX_BLOCKS = 108 * (2048 / BLOCK);
    private static final int NORMALS_PER_ROUND = 4;
    private static final float TWO_POW_MINUS_32 = 0x1p-32f;
    private static final float TWO_PI_POW_MINUS_32 = (float) (2 * Math.PI * 0x1p-32);

    private final long seed;
    private final int[] words = new int[NORMALS_PER_ROUND];
    private final float[] drawn = new float[NORMALS_PER_ROUND];
    private long round;

    TorchCudaStream(long seed) {
        this.seed = seed;
    }

    @Override
    public void fill(float[] values) {
        int count = values.length;
        int blocks = Math.min((int) (((long) count + BLOCK - 1) / BLOCK), MAX_BLOCKS);
        int threads = blocks * BLOCK;
        for (long first = 0; first < count; first += (long) NORMALS_PER_ROUND * threads) {
            for (int thread = 0; thread < threads && first + thread < count; thread++) {
                drawFour(round, thread);
                for (int k = 0; k < NORMALS_PER_ROUND; k++) {
                    long index = first + thread + (long) k * threads;
                    if (index < count) {
                        values[(int) index] = drawn[k];
                    }
                }
            }
            round++;
        }
    }

    private void drawFour(long counter, int thread) {
        words[0] = (int) counter;
        words[1] = (int) (counter >>> 32);
        words[2] = thread;
        words[3] = 0;
        Philox.scrambleInPlace(words, (int) seed, (int) (seed >>> 32));
        boxMuller(words[0], words[1], drawn, 0);
        boxMuller(words[2], words[3], drawn, 2);
    }

    private static void boxMuller(int x, int y, float[] target, int offset) {
        float u = unsigned(x) * TWO_POW_MINUS_32 + TWO_POW_MINUS_32 / 2;
        float angle = unsigned(y) * TWO_PI_POW_MINUS_32 + TWO_PI_POW_MINUS_32 / 2;
        float radius = (float) Math.sqrt(-2f * (float) StrictMath.log(u));
        target[offset] = radius * (float) StrictMath.sin(angle);
        target[offset + 1] = radius * (float) StrictMath.cos(angle);
    }

    private static float unsigned(int word) {
        return word & 0xFFFFFFFFL;
    }
}
