package dev.instaflow.backend;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.ServiceLoader;

/**
 * Where a model shall run: named by the user, or chosen by {@link #auto}, which says why. Immutable. No
 * native library is loaded before {@link #auto}, {@link #open} or a CUDA device's name, and nothing falls
 * back by itself.
 */
public final class Device {
    private static final int ALL_PROCESSORS = 0;
    private static final String CUDA = "cuda";

    private final BackendProvider provider;
    private final String explanation;
    private final int threads;

    private Device(BackendProvider provider, String explanation, int threads) {
        this.provider = provider;
        this.explanation = explanation;
        this.threads = threads;
    }

    /**
     * The CPU through oneDNN, with all processors.
     *
     * @return the device
     */
    public static Device cpu() {
        return cpu(ALL_PROCESSORS);
    }

    /**
     * The CPU through oneDNN.
     *
     * @param threads threads that share the work of one operation; 0 for all processors
     * @return the device
     */
    public static Device cpu(int threads) {
        return new Device(provider("cpu"), "cpu: asked for", threads);
    }

    /**
     * Plain Java loops, hundreds of times slower: to check other backends, or where no native library
     * runs.
     *
     * @return the device
     */
    public static Device reference() {
        return new Device(provider("reference"), "reference: asked for", ALL_PROCESSORS);
    }

    /**
     * The fastest device that is usable here: a GPU before the CPU.
     *
     * @return the device; {@link #explanation} says why it was chosen
     * @throws BackendUnavailableException if there is none; the reference must be asked for by name
     */
    public static Device auto() {
        String whyNoGpu = "this build has no CUDA backend";
        Optional<BackendProvider> cuda = find(CUDA);
        if (cuda.isPresent()) {
            BackendProvider.Probe gpu = cuda.get().probe();
            if (gpu.usable()) {
                String why = cuda.get().name() + ": " + gpu.reason() + " (faster than the cpu)";
                return new Device(cuda.get(), why, ALL_PROCESSORS);
            }
            whyNoGpu = "cuda: " + gpu.reason();
        }
        BackendProvider cpu = provider("cpu");
        BackendProvider.Probe probe = cpu.probe();
        if (!probe.usable()) {
            throw new BackendUnavailableException(
                    "no device: " + whyNoGpu + "; cpu: " + probe.reason());
        }
        return new Device(cpu, "cpu: " + probe.reason() + " (" + whyNoGpu + ")", ALL_PROCESSORS);
    }

    /**
     * The device of that name.
     *
     * @param name {@code auto}, {@code cpu}, {@code cuda}, {@code cuda:1} for the GPU of that number, or
     *     {@code reference}
     * @return the device
     * @throws IllegalArgumentException for any other name
     * @throws BackendUnavailableException for {@code cuda} where it cannot be used, and for {@code auto} where
     *     nothing runs; the message says why
     */
    public static Device named(String name) {
        String word = name.toLowerCase(Locale.ROOT);
        if (word.matches("cuda(:\\d{1,3})?")) {
            return cuda(word);
        }
        return switch (word) {
            case "auto" -> auto();
            case "cpu" -> cpu();
            case "reference" -> reference();
            default ->
                    throw new IllegalArgumentException(
                            "unknown device \""
                                    + name
                                    + "\": auto, cpu, cuda (or cuda:1 for a second one) or reference");
        };
    }

    private static Device cuda(String word) {
        Optional<BackendProvider> found = find(CUDA);
        if (found.isEmpty()) {
            throw new BackendUnavailableException(
                    "this build has no CUDA backend: choose auto or cpu");
        }
        BackendProvider provider = found.get();
        if (!word.equals(CUDA)) {
            provider = provider.at(Integer.parseInt(word.substring(CUDA.length() + 1)));
        }
        BackendProvider.Probe probe = provider.probe();
        if (!probe.usable()) {
            throw new BackendUnavailableException(
                    word + " cannot be used: " + probe.reason() + "; or choose auto or cpu");
        }
        return new Device(provider, provider.name() + ": asked for", ALL_PROCESSORS);
    }

    /**
     * Whether the user has set an environment variable, for backends whose libraries read some.
     *
     * @param variable its name
     * @return true if it is set, to anything
     */
    public static boolean environmentHas(String variable) {
        return environment(variable).isPresent();
    }

    /**
     * An environment variable, for backends whose libraries read some.
     *
     * @param variable its name
     * @return its value, if it is set
     */
    public static Optional<String> environment(String variable) {
        return Optional.ofNullable(System.getenv(variable));
    }

    /**
     * What the user set for this process: the system property or, without one, the environment variable of the
     * same words, {@code INSTAFLOW_CUDA_LIBPATH} for {@code instaflow.cuda.libpath}.
     *
     * @param property its name
     * @return its value, if it is set and not empty
     */
    public static Optional<String> setting(String property) {
        String variable = property.toUpperCase(Locale.ROOT).replace('.', '_');
        return Optional.ofNullable(System.getProperty(property))
                .or(() -> environment(variable))
                .filter(value -> !value.isEmpty());
    }

    /**
     * Where this user's programs keep what they can find out again, such as which algorithm is fastest.
     *
     * @return a folder of ours there, which may not exist yet
     */
    public static Path cacheFolder() {
        Path caches =
                environment("XDG_CACHE_HOME")
                        .filter(folder -> !folder.isEmpty())
                        .map(Path::of)
                        .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache"));
        return caches.resolve("instaflow");
    }

    private static BackendProvider provider(String name) {
        return find(name)
                .orElseThrow(
                        () ->
                                new BackendUnavailableException(
                                        "no \""
                                                + name
                                                + "\" backend on the class path: META-INF/services"
                                                + " names none"));
    }

    private static Optional<BackendProvider> find(String name) {
        ClassLoader loader = Device.class.getClassLoader();
        for (BackendProvider provider : ServiceLoader.load(BackendProvider.class, loader)) {
            if (provider.name().equals(name)) {
                return Optional.of(provider);
            }
        }
        return Optional.empty();
    }

    /**
     * The word that {@link #named} takes.
     *
     * @return {@code cpu}, {@code cuda}, {@code cuda:1} or {@code reference}
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
        return open(WeightStorage.PACKED);
    }

    /**
     * Makes a backend on the device that keeps weights in a certain way.
     *
     * @param weights how, if the backend has a choice; results do not depend on it
     * @return to be closed by the caller
     * @throws BackendUnavailableException if it cannot run here
     */
    public Backend open(WeightStorage weights) {
        return provider.open(threads, weights);
    }

    @Override
    public String toString() {
        return explanation;
    }
}
