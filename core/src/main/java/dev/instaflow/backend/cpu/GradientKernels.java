package dev.instaflow.backend.cpu;

/** The backward operations of a backend by family, made once. */
record GradientKernels(
        ConvolutionGradient convolution,
        WinogradGradient winograd,
        LinearGradient linear,
        GroupNormGradient groupNorm,
        LayerNormGradient layerNorm,
        AttentionGradient attention,
        ElementwiseGradient elementwise,
        ChannelTotals totals) {

    GradientKernels(CpuEngine engine, Kernels kernels) {
        this(
                engine,
                kernels,
                new ElementwiseGradient(engine, kernels.elementwise(), kernels.movement()));
    }

    private GradientKernels(CpuEngine engine, Kernels kernels, ElementwiseGradient elementwise) {
        this(
                new ConvolutionGradient(engine),
                new WinogradGradient(engine, kernels),
                new LinearGradient(engine),
                new GroupNormGradient(engine, elementwise),
                new LayerNormGradient(engine),
                new AttentionGradient(engine),
                elementwise,
                new ChannelTotals(engine));
    }
}
