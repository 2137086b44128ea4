package dev.instaflow.train.recipe;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What shall be trained, in one part or several. Every key is known and every value of its type; whether files
 * exist and sizes fit is found out by the {@link RecipeRun}. Immutable.
 */
public final class Recipe {
    private static final String STAGES = "stages";
    private static final String NAME = "name";
    private static final String RUN = "run";

    private final ObjectNode effective;
    private final Path folder;
    private final List<Stage> stages;

    private Recipe(ObjectNode effective, Path folder, List<Stage> stages) {
        this.effective = effective;
        this.folder = folder;
        this.stages = stages;
    }

    /** Settings that stand under those of the user. */
    public enum Preset {
        /** None but the defaults. */
        NONE,
        /** A teacher's pairs. */
        PAIRS,
        /** One step of pairs, first in latents and then in pictures. */
        DISTILL,
        /** Adapters beside frozen weights. */
        LORA
    }

    /**
     * One of the parts.
     *
     * @param name unlike the others'; empty if it is the only one
     * @param folder where it writes
     * @param settings its own and those of all parts
     */
    record Stage(String name, Path folder, Section settings) {}

    /**
     * Puts a recipe together.
     *
     * @param preset what is laid over the defaults first
     * @param file YAML or JSON; its paths are relative to its folder
     * @param assignments {@code a.b=c}, laid over the file; {@code stages.NAME.a=c} for one part alone
     * @return the recipe
     * @throws IllegalArgumentException if a key is unknown or a value of another type; the message has the key's
     *     path
     * @throws IOException if the file cannot be read
     */
    public static Recipe read(Preset preset, Optional<Path> file, List<String> assignments)
            throws IOException {
        ObjectNode given = preset(preset);
        if (file.isPresent()) {
            ConfigTree.lay(given, ConfigTree.file(file.get()));
        }
        for (String assignment : assignments) {
            ConfigTree.assign(given, assignment);
        }
        String label = file.map(path -> path + ": ").orElse("");
        Path base = file.map(path -> path.toAbsolutePath().getParent()).orElse(Path.of(""));
        ObjectNode defaults = ConfigTree.resource("defaults.yaml");
        ObjectNode effective = ConfigTree.checked(defaults, given, "", label);
        String run = effective.get(RUN).asText();
        Path folder = base.resolve(run);
        List<Stage> stages = stages(effective, label, base, folder);
        return new Recipe(effective, folder, stages);
    }

    private static ObjectNode preset(Preset preset) throws IOException {
        return switch (preset) {
            case NONE -> ConfigTree.resource("defaults.yaml").objectNode();
            case PAIRS -> ConfigTree.resource("pairs.yaml");
            case DISTILL -> ConfigTree.resource("distill.yaml");
            case LORA -> ConfigTree.resource("lora.yaml");
        };
    }

    private static List<Stage> stages(ObjectNode effective, String label, Path base, Path folder) {
        ObjectNode shared = effective.deepCopy();
        JsonNode list = shared.remove(STAGES);
        shared.remove(RUN);
        if (list.isEmpty()) {
            return List.of(new Stage("", folder, new Section(label, "", shared, base)));
        }
        List<Stage> stages = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (JsonNode element : list) {
            String name = element.path(NAME).asText();
            if (!name.matches("[\\p{L}\\p{N}][\\p{L}\\p{N} ._-]*") || !names.add(name)) {
                throw new IllegalArgumentException(
                        "%sstages.%d: the name is \"%s\", expected letters, digits, \" ._-\", and one of its own"
                                .formatted(label, stages.size(), name));
            }
            ObjectNode own = element.deepCopy();
            own.remove(NAME);
            String path = STAGES + '.' + name + '.';
            ObjectNode settings = ConfigTree.checked(shared, own, path, label);
            stages.add(
                    new Stage(
                            name, folder.resolve(name), new Section(label, path, settings, base)));
        }
        return stages;
    }

    /**
     * Everything that counts, defaults included.
     *
     * @return YAML that says the same as this recipe
     * @throws IOException never in practice
     */
    public String effective() throws IOException {
        return ConfigTree.yaml(effective);
    }

    /**
     * Where the run is.
     *
     * @return its folder
     * @throws IllegalArgumentException if none was named
     */
    public Path folder() {
        if (effective.get(RUN).asText().isEmpty()) {
            throw new IllegalArgumentException(
                    "run: no folder for the run; name one in the configuration");
        }
        return folder;
    }

    List<Stage> stages() {
        return stages;
    }
}
