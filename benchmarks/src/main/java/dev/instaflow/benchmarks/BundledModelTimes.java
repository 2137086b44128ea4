package dev.instaflow.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * How long the bundled model takes from prompt to PNG: the whole process, started from nothing, and one
 * image in a process that is warm. {@code java -cp benchmarks.jar
 * dev.instaflow.benchmarks.BundledModelTimes [PROCESSES [IMAGES]]}.
 */
public final class BundledModelTimes {
    private static final int PROCESSES = 5;
    private static final int IMAGES = 60;

    private BundledModelTimes() {}

    /**
     * Measures and prints.
     *
     * @param args processes started, 5 by default; images of the warm process, 60 by default
     * @throws IOException if a process fails
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String... args) throws IOException, InterruptedException {
        int processes = args.length > 0 ? Integer.parseInt(args[0]) : PROCESSES;
        int images = args.length > 1 ? Integer.parseInt(args[1]) : IMAGES;
        Path png = Files.createTempFile("emoji", ".png");
        try {
            System.out.println(Machine.describe());
            double[] cold = new double[processes];
            for (int i = 0; i < processes; i++) {
                long start = System.nanoTime();
                run(png, 1);
                cold[i] = (System.nanoTime() - start) * 1e-9;
            }
            print("whole process, prompt to PNG", cold);
            double[] warm =
                    run(png, images)
                            .lines()
                            .filter(line -> line.startsWith(PromptToPng.MARK))
                            .map(line -> line.substring(PromptToPng.MARK.length()))
                            .mapToDouble(Double::parseDouble)
                            .skip(images / 2)
                            .toArray();
            print("one image, warm", warm);
        } finally {
            Files.deleteIfExists(png);
        }
    }

    private static String run(Path png, int images) throws IOException, InterruptedException {
        return Machine.run(
                Machine.javaCommand(
                        List.of(), PromptToPng.class, png.toString(), Integer.toString(images)));
    }

    private static void print(String what, double... seconds) {
        Arrays.sort(seconds);
        System.out.printf(
                "%s: best %.3f s, median %.3f s of %d%n",
                what, seconds[0], seconds[seconds.length / 2], seconds.length);
    }
}
