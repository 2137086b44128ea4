package dev.instaflow.backend.cuda;

import dev.instaflow.backend.BackendException;
import dev.instaflow.standin.StandIn;
import dev.instaflow.standin.StandInSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.ToIntFunction;
import jcuda.driver.JCudaDriver;
import jcuda.jcudnn.JCudnn;
import jcuda.jcudnn.cudnnTensorDescriptor;

/**
 * Asks cuDNN what descriptors say, which takes neither a GPU nor a handle: first those that {@link ConvolutionPlan}
 * makes of the shapes in a file, a line an answer, then seeded random ones. With {@code INSTAFLOW_CUDA_LIBPATH} it is the
 * cuDNN of that folder, else the stand-in's; the driver is the stand-in either way.
 */
final class DescriptorAnswers {
    /** First words of the lines. */
    static final String PLAN = "plan ";

    static final String RANDOM = "random ";
    static final String LIBRARY = "library ";
    static final String STAND_IN = "calls of the stand-in's cuDNN ";

    private DescriptorAnswers() {}

    /** The file with a shape a line, then how many random descriptors are made. */
    public static void main(String... args) throws IOException {
        CudaLibraryPath path = CudaLibraryPath.ofProcess();
        if (path.named().isPresent()) {
            // Before the stand-in's: the first of a name is taken for all that need it.
            NvidiaLibrary.CUDNN.load(path);
        }
        StandIn standIn = StandIn.install(StandInSettings.dry());
        CudaLibraryPath nowhere = new CudaLibraryPath(Optional.empty(), List.of());
        for (NvidiaLibrary library : NvidiaLibrary.values()) {
            library.load(nowhere);
        }
        JCudaDriver.cuInit(0);
        try (CudaContext context = CudaContext.open(0)) {
            for (String line : Files.readAllLines(Path.of(args[0]))) {
                System.out.println(PLAN + line + ": " + plan(context, line));
            }
        }
        Random random = new Random(RandomDescriptors.SEED);
        for (int i = 0; i < Integer.parseInt(args[1]); i++) {
            System.out.println(RANDOM + RandomDescriptors.next(random));
        }
        System.out.println(LIBRARY + NvidiaLibrary.CUDNN.file().map(Path::toString).orElse(""));
        long calls =
                standIn.ledger().calls().entrySet().stream()
                        .filter(call -> call.getKey().startsWith("cudnn"))
                        .mapToLong(call -> call.getValue())
                        .sum();
        System.out.println(STAND_IN + calls);
    }

    private static String plan(CudaContext context, String line) {
        ConvolutionPlan plan;
        try {
            plan = new ConvolutionPlan(context, BuiltConvolutions.shape(line));
        } catch (BackendException e) {
            return "refused: "
                    + e.getMessage().replaceAll(".*?(cudnn\\w+) for .*: (CUDNN\\w+).*", "$1 $2");
        }
        try {
            return answers(plan).toString();
        } finally {
            plan.close();
        }
    }

    private static List<String> answers(ConvolutionPlan plan) {
        List<String> answers = new ArrayList<>();
        for (cudnnTensorDescriptor tensor : List.of(plan.x(), plan.y(), plan.bias())) {
            answers.add("bytes " + one(out -> JCudnn.cudnnGetTensorSizeInBytes(tensor, out)));
            answers.add("tensor " + tensor(tensor));
        }
        answers.add("bytes " + one(out -> JCudnn.cudnnGetFilterSizeInBytes(plan.weight(), out)));
        answers.add("filter " + filter(plan));
        answers.add("convolution " + convolution(plan));
        answers.add("output " + output(plan));
        return answers;
    }

    private static String one(ToIntFunction<long[]> call) {
        long[] out = new long[1];
        return call.applyAsInt(out) + "/" + out[0];
    }

    /** Some ints, by the call that fills one array each. */
    private static String ints(int count, ToIntFunction<int[][]> call) {
        int[][] out = new int[count][1];
        int status = call.applyAsInt(out);
        return status + "/" + Arrays.stream(out).map(each -> String.valueOf(each[0])).toList();
    }

    /** Type, N, C, H, W, then the strides of those. */
    private static String tensor(cudnnTensorDescriptor tensor) {
        return ints(
                9,
                o ->
                        JCudnn.cudnnGetTensor4dDescriptor(
                                tensor, o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7], o[8]));
    }

    private static String filter(ConvolutionPlan plan) {
        return ints(
                6,
                o ->
                        JCudnn.cudnnGetFilter4dDescriptor(
                                plan.weight(), o[0], o[1], o[2], o[3], o[4], o[5]));
    }

    private static String convolution(ConvolutionPlan plan) {
        return ints(1, o -> JCudnn.cudnnGetConvolutionMathType(plan.convolution(), o[0]));
    }

    private static String output(ConvolutionPlan plan) {
        return ints(
                4,
                o ->
                        JCudnn.cudnnGetConvolution2dForwardOutputDim(
                                plan.convolution(),
                                plan.x(),
                                plan.weight(),
                                o[0],
                                o[1],
                                o[2],
                                o[3]));
    }

    /** What cuDNN has to say if our code is right about a shape. */
    static String believed(ConvolutionShape s) {
        int size = s.numerics().storage().sizeBytes();
        int type = s.numerics().dnnType();
        List<String> answers = new ArrayList<>();
        for (int[] t :
                List.of(
                        new int[] {s.n(), s.in(), s.height(), s.width()},
                        new int[] {s.n(), s.out(), s.outHeight(), s.outWidth()},
                        new int[] {1, s.out(), 1, 1})) {
            int c = t[1];
            int row = t[3] * c;
            int image = t[2] * row;
            answers.add("bytes 0/" + (long) size * t[0] * image);
            answers.add("tensor 0/" + List.of(type, t[0], c, t[2], t[3], image, 1, row, c));
        }
        int k = s.kernel();
        answers.add("bytes 0/" + (long) size * s.out() * s.in() * k * k);
        int channelsLast = 1; // CUDNN_TENSOR_NHWC
        answers.add("filter 0/" + List.of(type, channelsLast, s.out(), s.in(), k, k));
        answers.add("convolution 0/" + List.of(s.numerics().mathType()));
        answers.add("output 0/" + List.of(s.n(), s.out(), s.outHeight(), s.outWidth()));
        return answers.toString();
    }
}
