package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Stream;

/** The engines that this build holds. */
final class Engines {
    /** The one that a comparison is about. */
    static final String OURS = "cpu";

    private Engines() {}

    private static List<Engine> all() {
        return Stream.concat(
                        Stream.of(new CpuEngine()),
                        ServiceLoader.load(Engine.class).stream().map(ServiceLoader.Provider::get))
                .toList();
    }

    /** Names in alphabetical order: ours, then the peers. */
    static List<String> names() {
        return all().stream().map(Engine::name).sorted().toList();
    }

    /** Opens an engine on all processors. */
    static Backend open(String name) {
        return open(name, Runtime.getRuntime().availableProcessors());
    }

    static Backend open(String name, int threads) {
        return all().stream()
                .filter(engine -> engine.name().equals(name))
                .findFirst()
                .orElseThrow(
                        () ->
                                new IllegalArgumentException(
                                        "no engine \"%s\" in this build, there are %s; peers come with mvn -Ppeers"
                                                .formatted(name, names())))
                .open(threads);
    }
}
