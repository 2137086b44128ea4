package dev.instaflow.backend.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import jcuda.jcudnn.cudnnConvolutionFwdAlgo;
import jcuda.jcudnn.cudnnMathType;

/**
 * Which of cuDNN's algorithms was the fastest, by device, version and shape, in a text file that several processes may
 * share: what one of them loses of another's findings is found again. A file that cannot be read is begun anew, and one
 * that cannot be written is done without: it only saves time. Not thread-safe: the convolutions guard it.
 */
final class AlgorithmCache {
    private static final String FILE = "cudnn-algorithms.txt";
    private static final String HEADER = "instaflow cudnn algorithms 1";

    /**
     * What was found.
     *
     * @param algorithm cuDNN's number
     * @param mathType cuDNN's number
     */
    record Choice(int algorithm, int mathType) {
        Choice {
            if (algorithm < 0
                    || algorithm >= cudnnConvolutionFwdAlgo.CUDNN_CONVOLUTION_FWD_ALGO_COUNT
                    || mathType < cudnnMathType.CUDNN_DEFAULT_MATH
                    || mathType > cudnnMathType.CUDNN_FMA_MATH) {
                throw new IllegalArgumentException(
                        "cuDNN has no algorithm " + algorithm + " with arithmetic " + mathType);
            }
        }
    }

    private final Optional<Path> file;
    private final String device;
    private final Map<String, Choice> choices = new TreeMap<>();

    /**
     * Reads what is there.
     *
     * @param folder that has the file, or nothing to keep none
     * @param device and version, for the keys
     */
    AlgorithmCache(Optional<Path> folder, String device) {
        this.file = folder.map(path -> path.resolve(FILE));
        this.device = device.replaceAll("\\s+", "_");
        file.ifPresent(path -> choices.putAll(read(path)));
    }

    /** What was found for a shape. */
    Optional<Choice> find(ConvolutionShape shape) {
        return Optional.ofNullable(choices.get(key(shape)));
    }

    /** Notes what was found. */
    void put(ConvolutionShape shape, Choice choice) {
        choices.put(key(shape), choice);
        if (file.isPresent()) {
            Map<String, Choice> others = read(file.get());
            others.forEach(choices::putIfAbsent);
            write(file.get());
        }
    }

    private String key(ConvolutionShape shape) {
        return device + ' ' + shape.key();
    }

    private static Map<String, Choice> read(Path path) {
        Map<String, Choice> read = new TreeMap<>();
        try {
            List<String> lines = Files.readAllLines(path, StandardCharsets.UTF_8);
            if (lines.isEmpty() || !lines.get(0).equals(HEADER)) {
                return Map.of();
            }
            for (String line : lines.subList(1, lines.size())) {
                String[] words = line.split(" ");
                Choice choice = new Choice(Integer.parseInt(words[2]), Integer.parseInt(words[3]));
                read.put(words[0] + ' ' + words[1], choice);
            }
            return read;
        } catch (IOException | IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            return Map.of(); // missing, or not what we wrote
        }
    }

    private void write(Path path) {
        List<String> lines = new ArrayList<>(List.of(HEADER));
        choices.forEach(
                (key, choice) ->
                        lines.add(key + ' ' + choice.algorithm() + ' ' + choice.mathType()));
        try {
            Files.createDirectories(path.getParent());
            Path fresh = Files.createTempFile(path.getParent(), FILE, ".tmp");
            try {
                Files.write(fresh, lines, StandardCharsets.UTF_8);
                Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(fresh);
            }
        } catch (IOException e) {
            return; // the next process looks for itself
        }
    }
}
