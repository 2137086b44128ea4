package dev.instaflow.train.lora;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.inspect.FileHash;
import dev.instaflow.checkpoint.layout.CompVisView;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.checkpoint.lora.LoraFormat;
import dev.instaflow.checkpoint.lora.LoraModule;
import dev.instaflow.checkpoint.lora.LoraTargets;
import dev.instaflow.checkpoint.lora.LoraWriter;
import dev.instaflow.checkpoint.storage.HeapEntry;
import dev.instaflow.train.RandomStream;
import dev.instaflow.train.RandomStream.Purpose;
import dev.instaflow.train.TrainableSet;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.ejml.data.DMatrixRMaj;

/**
 * Writes what a fine-tune has changed in matrices and kernels as a LoRA, as near as its rank allows; norms and
 * biases have no place in one. One difference at a time is in memory.
 *
 * @param base what the fine-tune started from: file or diffusers folder
 * @param finetune what has learnt more
 * @param output a safetensors file, replaced if it exists
 * @param targets which weights
 * @param rank how near
 * @param format how keys are spelled
 */
public record Extraction(
        Path base,
        Path finetune,
        Path output,
        TrainableSet targets,
        RankRule rank,
        LoraFormat format) {
    /**
     * One weight's change.
     *
     * @param target its CompVis name
     * @param rank that was kept
     * @param kept share of the change's sum of squares, in [0,1]
     */
    public record Extracted(String target, int rank, double kept) {}

    /**
     * Does it.
     *
     * @return the changed weights, in file order
     * @throws CheckpointFormatException if a weight is missing in the fine-tune or of another shape
     * @throws IllegalArgumentException if the two do not differ in any of the weights
     * @throws IOException if a file cannot be read or written
     */
    public List<Extracted> run() throws IOException {
        List<Extracted> report = new ArrayList<>();
        List<LoraModule> modules = new ArrayList<>();
        try (CompVisView before = CompVisView.open(base, WeightSet.PLAIN);
                CompVisView after = CompVisView.open(finetune, WeightSet.PLAIN)) {
            LoraTargets all = LoraTargets.of(before);
            for (String target : all.names(targets::contains)) {
                Entry learnt = fitting(after, before.find(target).orElseThrow());
                DMatrixRMaj change = difference(before.find(target).orElseThrow(), learnt);
                if (isZero(change)) {
                    continue;
                }
                RandomStream random = RandomStream.of(0, Purpose.INITIAL, modules.size());
                LowRank factors = LowRank.of(change, rank, random);
                modules.add(module(target, change, factors));
                report.add(new Extracted(target, factors.rank(), factors.kept()));
            }
            if (modules.isEmpty()) {
                throw new IllegalArgumentException(
                        "%s and %s have the same weights in \"%s\": nothing to extract"
                                .formatted(base, finetune, targets.name()));
            }
            LoraWriter.write(output, format, modules, all, provenance());
        }
        return report;
    }

    private static Entry fitting(CompVisView after, Entry before) throws IOException {
        return after.find(before.name())
                .filter(entry -> entry.shape().equals(before.shape()))
                .orElseThrow(
                        () ->
                                new CheckpointFormatException(
                                        "%s has no \"%s\" %s: it is no fine-tune of that base"
                                                .formatted(
                                                        after.path(),
                                                        before.name(),
                                                        before.shape())));
    }

    private static DMatrixRMaj difference(Entry before, Entry after) throws IOException {
        int rows = Math.toIntExact(before.shape().get(0));
        int columns = Math.toIntExact(before.count() / rows);
        DMatrixRMaj difference = new DMatrixRMaj(rows, columns);
        float[] a = new float[columns];
        float[] b = new float[columns];
        for (int row = 0; row < rows; row++) {
            before.readFloats((long) row * columns, a, 0, columns);
            after.readFloats((long) row * columns, b, 0, columns);
            for (int i = 0; i < columns; i++) {
                difference.data[row * columns + i] = (double) b[i] - a[i];
            }
        }
        return difference;
    }

    private static boolean isZero(DMatrixRMaj matrix) {
        for (double value : matrix.data) {
            if (value != 0) {
                return false;
            }
        }
        return true;
    }

    private static LoraModule module(String target, DMatrixRMaj change, LowRank factors) {
        long rank = factors.rank();
        return new LoraModule(
                target,
                HeapEntry.ofFloats("down", List.of(rank, (long) change.numCols), factors.down()),
                HeapEntry.ofFloats("up", List.of((long) change.numRows, rank), factors.up()),
                rank);
    }

    private Map<String, String> provenance() throws IOException {
        Map<String, String> words = new LinkedHashMap<>();
        words.put("extracted.base", FileHash.named(base));
        words.put("extracted.finetune", FileHash.named(finetune));
        words.put("extracted.rank", "at most " + rank.most() + ", energy " + rank.share());
        return words;
    }
}
