package dev.instaflow.benchmarks;

import java.util.Map;
import java.util.TreeMap;

/**
 * Wall seconds of one run of one engine, and what it needed.
 *
 * @param load from the path of the checkpoint to models that are ready
 * @param text text encoder
 * @param unet one evaluation
 * @param vae decoder
 * @param peakBytes most resident memory of the process, mapped pages of the file included
 */
record StageSeconds(double load, double text, double unet, double vae, long peakBytes) {
    /** All three networks. */
    double step() {
        return text + unet + vae;
    }

    /** Stage by stage the faster one, and the larger memory: other processes only ever slow a run down. */
    StageSeconds best(StageSeconds other) {
        return new StageSeconds(
                Math.min(load, other.load),
                Math.min(text, other.text),
                Math.min(unet, other.unet),
                Math.min(vae, other.vae),
                Math.max(peakBytes, other.peakBytes));
    }

    /** As {@code key=value} on one line, for the parent process. */
    String toLine() {
        return "load=%s text=%s unet=%s vae=%s peak=%d".formatted(load, text, unet, vae, peakBytes);
    }

    static StageSeconds ofLine(String line) {
        Map<String, String> values = new TreeMap<>();
        for (String pair : line.trim().split(" ")) {
            values.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
        }
        return new StageSeconds(
                Double.parseDouble(values.get("load")),
                Double.parseDouble(values.get("text")),
                Double.parseDouble(values.get("unet")),
                Double.parseDouble(values.get("vae")),
                Long.parseLong(values.get("peak")));
    }
}
