package dev.instaflow.backend;

import dev.instaflow.ops.Activation;
import dev.instaflow.ops.ConvSpec;
import dev.instaflow.ops.GroupNormSpec;
import dev.instaflow.ops.NormedConvolution;
import dev.instaflow.ops.WeightForm;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The convolutions that every backend must compute, alone and with what may be fused with them. */
public abstract class ConvolutionContract extends ContractFixture {
    @ParameterizedTest
    @CsvSource({
        "1,1,1,1,1",
        "2,7,5,3,6",
        "1,9,12,32,64",
        "3,8,8,33,31",
        "1,16,16,64,4",
        "2,5,31,16,48",
        "1,4,4,128,128"
    })
    void convolutionsOfAllKinds(int n, int h, int w, int ci, int co) {
        List<ConvSpec> specs =
                List.of(
                        ConvSpec.POINTWISE,
                        ConvSpec.SAME_3X3,
                        ConvSpec.DOWN_SYMMETRIC,
                        ConvSpec.DOWN_ASYMMETRIC);
        for (ConvSpec spec : specs) {
            if (h + spec.top() + spec.bottom() < spec.kernel()) {
                continue;
            }
            int k = spec.kernel();
            check(
                    spec.toString(),
                    sumTolerance((long) ci * k * k),
                    f ->
                            f.ops.conv2d(
                                    spec,
                                    f.random(n, h, w, ci),
                                    f.weight(new WeightForm.Conv(spec, h, w), co, ci, k, k),
                                    f.weight(WeightForm.PLAIN, co)));
        }
    }

    @Test
    void aConvolutionPackedForOneSizeRunsAtAnother() {
        ConvSpec spec = ConvSpec.SAME_3X3;
        for (int side : new int[] {64, 16, 3}) {
            check(
                    "side " + side,
                    sumTolerance(9 * 20),
                    f ->
                            f.ops.conv2d(
                                    spec,
                                    f.random(1, side, side, 20),
                                    f.weight(new WeightForm.Conv(spec, 32, 32), 24, 20, 3, 3),
                                    f.weight(WeightForm.PLAIN, 24)));
        }
    }

    /** Hints of 64 and many channels: where a backend may choose a fast algorithm, for any image then. */
    @ParameterizedTest
    @CsvSource({
        "1,64,64,64,64",
        "2,1,1,64,65",
        "1,3,2,67,64",
        "2,5,31,80,96",
        "1,33,100,64,72",
        "2,37,34,128,64"
    })
    void convolutionsPackedForLargeImages(int n, int h, int w, int ci, int co) {
        ConvSpec spec = ConvSpec.SAME_3X3;
        WeightForm form = new WeightForm.Conv(spec, 64, 64);
        double tolerance = sumTolerance(9L * ci);
        check(
                "plain",
                tolerance,
                f ->
                        f.ops.conv2d(
                                spec,
                                f.random(n, h, w, ci),
                                f.weight(form, co, ci, 3, 3),
                                f.weight(WeightForm.PLAIN, co)));
        check(
                "with a residual",
                tolerance,
                f ->
                        f.ops.conv2dAdd(
                                spec,
                                f.random(n, h, w, ci),
                                f.weight(form, co, ci, 3, 3),
                                f.weight(WeightForm.PLAIN, co),
                                f.random(n, h, w, co)));
    }

    @ParameterizedTest
    @CsvSource({"1,7,5,8,6,0", "2,8,8,64,64,64", "2,9,35,64,80,64", "3,1,1,32,32,0"})
    void convolutionsOfNormalisedImages(int n, int h, int w, int ci, int co, int hint) {
        GroupNormSpec norm = new GroupNormSpec(2, 1e-5f, Activation.SILU);
        double tolerance = sumTolerance(9L * ci) + 10 * ELEMENTWISE;
        check(
                "normedConv2d",
                tolerance,
                f -> f.ops.normedConv2d(layers(f, norm, ci, co, hint), f.random(n, h, w, ci)));
        check(
                "normedConv2dAdd",
                tolerance,
                f ->
                        f.ops.normedConv2dAdd(
                                layers(f, norm, ci, co, hint),
                                f.random(n, h, w, ci),
                                f.random(n, h, w, co)));
        check(
                "normedConv2dAddPerChannel",
                tolerance,
                f ->
                        f.ops.normedConv2dAddPerChannel(
                                layers(f, norm, ci, co, hint),
                                f.random(n, h, w, ci),
                                f.random(n, co)));
    }

    private static NormedConvolution layers(
            Fixture f, GroupNormSpec norm, int ci, int co, int hint) {
        return new NormedConvolution(
                norm,
                f.weight(WeightForm.PLAIN, ci),
                f.weight(WeightForm.PLAIN, ci),
                ConvSpec.SAME_3X3,
                f.weight(new WeightForm.Conv(ConvSpec.SAME_3X3, hint, hint), co, ci, 3, 3),
                f.weight(WeightForm.PLAIN, co));
    }

    @ParameterizedTest
    @CsvSource({"1,3,5,8,6,0", "2,32,32,64,64,32", "2,1,9,64,70,32", "1,17,33,96,64,32"})
    void convolutionsOfDoubledImages(int n, int h, int w, int ci, int co, int hint) {
        check(
                "upsampleConv2d",
                sumTolerance(9L * ci),
                f ->
                        f.ops.upsampleConv2d(
                                f.random(n, h, w, ci),
                                f.weight(new WeightForm.UpsampledConv(hint, hint), co, ci, 3, 3),
                                f.weight(WeightForm.PLAIN, co)));
    }

    @ParameterizedTest
    @CsvSource({"1,7,5,8,6", "2,4,9,16,31"})
    void convolutionsAddAVectorToEachSample(int n, int h, int w, int ci, int co) {
        ConvSpec spec = ConvSpec.SAME_3X3;
        check(
                "conv2dAddPerChannel",
                sumTolerance(9L * ci),
                f ->
                        f.ops.conv2dAddPerChannel(
                                spec,
                                f.random(n, h, w, ci),
                                f.weight(new WeightForm.Conv(spec, h, w), co, ci, 3, 3),
                                f.weight(WeightForm.PLAIN, co),
                                f.random(n, co)));
    }

    @Test
    void convolutionAddsItsResidual() {
        ConvSpec spec = ConvSpec.SAME_3X3;
        check(
                "conv2dAdd",
                sumTolerance(9 * 33),
                f ->
                        f.ops.conv2dAdd(
                                spec,
                                f.random(2, 7, 9, 33),
                                f.weight(new WeightForm.Conv(spec, 7, 9), 31, 33, 3, 3),
                                f.weight(WeightForm.PLAIN, 31),
                                f.random(2, 7, 9, 31)));
    }
}
