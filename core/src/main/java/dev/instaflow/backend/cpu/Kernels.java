package dev.instaflow.backend.cpu;

/**
 * The operations of a backend by family, made once. All of them are stateless but for the engine's
 * caches.
 */
record Kernels(
        Convolution convolution,
        Winograd winograd,
        TransformedConvolution transformed,
        MatMul matMul,
        Elementwise elementwise,
        Normalisation normalisation,
        TiledAttention attention,
        Movement movement,
        Loops loops,
        WeightPacker packer) {

    static Kernels of(CpuEngine engine, WeightPacker packer) {
        Elementwise elementwise = new Elementwise(engine);
        Normalisation normalisation = new Normalisation(engine, elementwise);
        Winograd winograd = new Winograd(engine, elementwise);
        return new Kernels(
                new Convolution(engine),
                winograd,
                new TransformedConvolution(engine, winograd, elementwise, normalisation),
                new MatMul(engine),
                elementwise,
                normalisation,
                new TiledAttention(engine),
                new Movement(engine),
                new Loops(engine),
                packer);
    }
}
