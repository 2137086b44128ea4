package dev.instaflow.train.objective;

import dev.instaflow.ops.ConvSpec;
import java.util.List;

/** The convolutional networks of LPIPS as torchvision numbers their layers; each convolution has a ReLU. */
enum PerceptualNetwork {
    /** Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks". */
    ALEXNET(
            List.of(
                    new Stage(0, new ConvSpec(11, 4, 2, 2, 2, 2), 0, true),
                    new Stage(3, new ConvSpec(5, 1, 2, 2, 2, 2), 3, true),
                    new Stage(6, ConvSpec.SAME_3X3, 3, true),
                    new Stage(8, ConvSpec.SAME_3X3, 0, true),
                    new Stage(10, ConvSpec.SAME_3X3, 0, true))),
    /** Simonyan and Zisserman 2014, "Very Deep Convolutional Networks", configuration D. */
    VGG16(
            List.of(
                    new Stage(0, ConvSpec.SAME_3X3, 0, false),
                    new Stage(2, ConvSpec.SAME_3X3, 0, true),
                    new Stage(5, ConvSpec.SAME_3X3, 2, false),
                    new Stage(7, ConvSpec.SAME_3X3, 0, true),
                    new Stage(10, ConvSpec.SAME_3X3, 2, false),
                    new Stage(12, ConvSpec.SAME_3X3, 0, false),
                    new Stage(14, ConvSpec.SAME_3X3, 0, true),
                    new Stage(17, ConvSpec.SAME_3X3, 2, false),
                    new Stage(19, ConvSpec.SAME_3X3, 0, false),
                    new Stage(21, ConvSpec.SAME_3X3, 0, true),
                    new Stage(24, ConvSpec.SAME_3X3, 2, false),
                    new Stage(26, ConvSpec.SAME_3X3, 0, false),
                    new Stage(28, ConvSpec.SAME_3X3, 0, true)));

    /** Rows and columns between two windows of a pooling, in both networks. */
    static final int POOL_STRIDE = 2;

    private final List<Stage> stages;

    PerceptualNetwork(List<Stage> stages) {
        this.stages = stages;
    }

    List<Stage> stages() {
        return stages;
    }

    /**
     * A convolution with what is before and after it.
     *
     * @param number in torchvision's {@code features}
     * @param spec its geometry
     * @param poolBefore side of the maximum pooling before it, 0 for none
     * @param compared whether its result is one of the compared features
     */
    record Stage(int number, ConvSpec spec, int poolBefore, boolean compared) {}
}
