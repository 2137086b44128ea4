package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.instaflow.kernels.CombineKernel.Samples;
import dev.instaflow.kernels.CombineKernel.Term;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CombineKernelTest {
    /** PLMS': they sum to 1 and are as large as coefficients get. */
    private static final float[] COEFFICIENTS = {55f / 24, -59f / 24, 37f / 24, -9f / 24};

    private static final Close CLOSE = Close.f32(30, 5);

    @ParameterizedTest
    @EnumSource
    void oneToFourTermsMatchAtOddCounts(Storage storage) {
        for (int count : new int[] {1, 7, 31, 33, 100, 257, 2055}) {
            for (int terms = 1; terms <= 4; terms++) {
                try (Emulator device = new Emulator(count)) {
                    List<Term> list = new ArrayList<>();
                    double[] expected = new double[count];
                    for (int k = 0; k < terms; k++) {
                        float[] x = device.normal(storage, count);
                        list.add(new Term(COEFFICIENTS[k], device.upload(storage, x)));
                        for (int i = 0; i < count; i++) {
                            expected[i] += (double) COEFFICIENTS[k] * x[i];
                        }
                    }
                    // In place of the first term, as samplers may.
                    long y = list.get(0).x();
                    device.run(CombineKernel.uniform(storage, y, list, count));
                    CLOSE.storedAs(storage)
                            .check(terms + " terms", expected, device.read(storage, y, count));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void samplesHaveCoefficientsOfTheirOwn(Storage storage) {
        for (int inner : new int[] {1, 7, 33, 64, 66, 256, 257, 259}) {
            int n = 3;
            int count = n * inner;
            try (Emulator device = new Emulator(inner)) {
                float[] a = device.normal(Storage.F32, 4 * n);
                List<Long> xs = new ArrayList<>();
                double[] expected = new double[count];
                for (int k = 0; k < 1 + inner % 4; k++) {
                    float[] x = device.normal(storage, count);
                    xs.add(device.upload(storage, x));
                    for (int i = 0; i < count; i++) {
                        expected[i] += (double) a[k * n + i / inner] * x[i];
                    }
                }
                long y = device.empty(storage, count);
                device.run(
                        CombineKernel.each(
                                storage,
                                y,
                                xs,
                                device.upload(Storage.F32, a),
                                new Samples(n, inner)));
                CLOSE.storedAs(storage)
                        .check("inner " + inner, expected, device.read(storage, y, count));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void guidanceTakesBothHalvesOfOneTensorWhateverTheirSize(Storage storage) {
        for (int count : new int[] {33, 256}) {
            try (Emulator device = new Emulator(count)) {
                float[] both = device.normal(storage, 2 * count);
                double[] expected = new double[count];
                for (int i = 0; i < count; i++) {
                    expected[i] = both[i] + 7.5 * ((double) both[count + i] - both[i]);
                }
                long y = device.empty(storage, count);
                device.run(
                        CombineKernel.guidance(
                                storage, y, device.upload(storage, both), 7.5f, count));
                Close.f32(100, 5)
                        .storedAs(storage)
                        .check("guidance", expected, device.read(storage, y, count));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void trafficIsTheLowerBound(Storage storage) {
        int count = 4096;
        long bytes = (long) count * storage.sizeBytes();
        try (Emulator device = new Emulator(1)) {
            List<Long> xs = new ArrayList<>();
            List<Term> terms = new ArrayList<>();
            for (int k = 0; k < 4; k++) {
                xs.add(device.upload(storage, device.normal(storage, count)));
                terms.add(new Term(k, xs.get(k)));
            }
            long y = device.empty(storage, count);
            long a = device.upload(Storage.F32, COEFFICIENTS);
            device.runWithin(CombineKernel.uniform(storage, y, terms, count), 5 * bytes);
            device.runWithin(
                    CombineKernel.each(storage, y, xs, a, new Samples(1, count)), 5 * bytes);
        }
    }

    @Test
    void fiveTermsAreRefused() {
        Term term = new Term(1, 256);
        assertThrows(
                IllegalArgumentException.class,
                () ->
                        CombineKernel.uniform(
                                Storage.F32, 256, List.of(term, term, term, term, term), 4));
        assertThrows(
                IllegalArgumentException.class,
                () -> CombineKernel.uniform(Storage.F32, 256, List.of(), 4));
    }
}
