package dev.instaflow.backend.cpu;

/**
 * The operations of a backend by family, made once. All of them are stateless but for the engine's
 * caches.
 */
record Kernels(
        Convolution convolution,
        Winograd winograd,
        MatMul matMul,
        Elementwise elementwise,
        Normalisation normalisation,
        TiledAttention attention,
        Movement movement,
        Loops loops,
        WeightPacker packer) {

    Kernels(CpuEngine engine, WeightPacker packer) {
        this(engine, new Elementwise(engine), packer);
    }

    private Kernels(CpuEngine engine, Elementwise elementwise, WeightPacker packer) {
        this(
                new Convolution(engine),
                new Winograd(engine, elementwise),
                new MatMul(engine),
                elementwise,
                new Normalisation(engine, elementwise),
                new TiledAttention(engine),
                new Movement(engine),
                new Loops(engine),
                packer);
    }
}
