package dev.instaflow.benchmarks;

import dev.instaflow.backend.Backend;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;

/** The engines that this build holds. */
final class Engines {
    /** The one that a comparison is about. */
    static final String OURS = "cpu";

    private Engines() {}

    private static List<Engine> all() {
        List<Engine> engines = new ArrayList<>();
        engines.add(new CpuEngine());
        Iterator<Engine> peers = ServiceLoader.load(Engine.class).iterator();
        while (peers.hasNext()) {
            addNext(peers, engines);
        }
        return engines;
    }

    private static void addNext(Iterator<Engine> peers, List<Engine> engines) {
        try {
            engines.add(peers.next());
        } catch (ServiceConfigurationError e) {
            // A build without peers after one with them leaves their names behind, not their
            // classes.
            // Whoever asks for one of them is told that this build has none.
        }
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
