package dev.instaflow.benchmarks;

import java.util.ArrayList;
import java.util.List;

/**
 * One run of one engine: its times and its memory.
 *
 * @param load from the path of the checkpoint to models that are ready
 * @param text text encoder
 * @param unet one evaluation
 * @param vae decoder
 * @param loadedBytes most resident memory until the models were loaded, mapped pages of the file included
 * @param peakBytes most resident memory of the process
 */
record StageSeconds(
        StageTime load,
        StageTime text,
        StageTime unet,
        StageTime vae,
        long loadedBytes,
        long peakBytes) {
    private static final int FIGURES = 10;

    /** All three networks. */
    StageTime step() {
        return text.plus(unet).plus(vae);
    }

    /** The same stages after another loading. */
    StageSeconds withLoad(StageTime otherLoad, long otherLoadedBytes) {
        return new StageSeconds(otherLoad, text, unet, vae, otherLoadedBytes, peakBytes);
    }

    /** Stage by stage the faster one, and the larger memory. */
    StageSeconds best(StageSeconds other) {
        return new StageSeconds(
                load.best(other.load),
                text.best(other.text),
                unet.best(other.unet),
                vae.best(other.vae),
                Math.max(loadedBytes, other.loadedBytes),
                Math.max(peakBytes, other.peakBytes));
    }

    /** All figures on one line, for the parent process. */
    String toLine() {
        List<String> figures = new ArrayList<>();
        for (StageTime time : List.of(load, text, unet, vae)) {
            figures.add(Double.toString(time.wall()));
            figures.add(Double.toString(time.cpu()));
        }
        figures.add(Long.toString(loadedBytes));
        figures.add(Long.toString(peakBytes));
        return String.join(" ", figures);
    }

    static StageSeconds ofLine(String line) {
        String[] figures = line.trim().split(" ");
        if (figures.length != FIGURES) {
            throw new IllegalArgumentException("not a line of times: " + line);
        }
        return new StageSeconds(
                time(figures, 0),
                time(figures, 2),
                time(figures, 4),
                time(figures, 6),
                Long.parseLong(figures[FIGURES - 2]),
                Long.parseLong(figures[FIGURES - 1]));
    }

    private static StageTime time(String[] figures, int at) {
        return new StageTime(Double.parseDouble(figures[at]), Double.parseDouble(figures[at + 1]));
    }
}
