package dev.instaflow.backend;

import dev.instaflow.backend.cpu.CpuProvider;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.backend.reference.ReferenceProvider;
import java.util.Locale;

/**
 * Where a model shall run: named by the user, or chosen by {@link #auto}, which says why. Immutable.
 * Nothing is loaded before {@link #auto} or {@link #open} is called, and nothing falls back by itself.
 */
public final class Device {
    private final BackendProvider provider;
    private final String explanation;

    private Device(BackendProvider provider, String explanation) {
        this.provider = provider;
        this.explanation = explanation;
    }

    /**
     * The CPU through oneDNN, with all processors.
     *
     * @return the device
     */
    public static Device cpu() {
        return cpu(CpuSettings.AUTOMATIC);
    }

    /**
     * The CPU through oneDNN.
     *
     * @param settings thread count
     * @return the device
     */
    public static Device cpu(CpuSettings settings) {
        return new Device(new CpuProvider(settings), "cpu: asked for");
    }

    /**
     * Plain Java loops, hundreds of times slower: to check other backends, or where no native library
     * runs.
     *
     * @return the device
     */
    public static Device reference() {
        return new Device(new ReferenceProvider(), "reference: asked for");
    }

    /**
     * The fastest device that is usable here.
     *
     * @return the device; {@link #explanation} says why it was chosen
     * @throws BackendUnavailableException if there is none; the reference must be asked for by name
     */
    public static Device auto() {
        CpuProvider cpu = new CpuProvider(CpuSettings.AUTOMATIC);
        BackendProvider.Probe probe = cpu.probe();
        if (!probe.usable()) {
            throw new BackendUnavailableException(
                    "no device: this build has no CUDA backend; cpu: " + probe.reason());
        }
        return new Device(
                cpu, "cpu: " + probe.reason() + " (this build has no CUDA backend to prefer)");
    }

    /**
     * The device of that name.
     *
     * @param name {@code auto}, {@code cpu}, {@code cuda} or {@code reference}
     * @return the device
     * @throws IllegalArgumentException for any other name
     * @throws BackendUnavailableException for {@code cuda}, and for {@code auto} where nothing runs
     */
    public static Device named(String name) {
        return switch (name.toLowerCase(Locale.ROOT)) {
            case "auto" -> auto();
            case "cpu" -> cpu();
            case "reference" -> reference();
            case "cuda" ->
                    throw new BackendUnavailableException(
                            "this build has no CUDA backend: choose auto or cpu");
            default ->
                    throw new IllegalArgumentException(
                            "unknown device \"" + name + "\": auto, cpu, cuda or reference");
        };
    }

    /**
     * The word that {@link #named} takes.
     *
     * @return {@code cpu} or {@code reference}
     */
    public String name() {
        return provider.name();
    }

    /**
     * Why it is this device.
     *
     * @return one line
     */
    public String explanation() {
        return explanation;
    }

    /**
     * Makes a backend on the device.
     *
     * @return to be closed by the caller
     * @throws BackendUnavailableException if it cannot run here
     */
    public Backend open() {
        return provider.open();
    }

    @Override
    public String toString() {
        return explanation;
    }
}
