package dev.instaflow.train.recipe;

import dev.instaflow.train.run.RunSetting;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/** Does the work of one kind of part, from where it stopped. */
interface PartTask {
    /**
     * What the work is done with.
     *
     * @param run folder of the run
     * @param folder of the part
     * @param settings of the part
     * @param models finds models
     * @param pairs folders of pairs of earlier parts, by name
     * @param changed settings that differ on purpose from the last checkpoint's
     * @param monitor watches
     */
    record Context(
            Path run,
            Path folder,
            Section settings,
            Models models,
            Map<String, Path> pairs,
            Set<RunSetting> changed,
            RunMonitor monitor) {
        /** One of the models that are named in the settings, by the words for it. */
        Map<String, Path> input(String group, String key) throws IOException {
            return Map.of(group + ' ' + key, models.file(settings.at(group), key));
        }
    }

    /** Whether it came to its end. */
    enum Outcome {
        FINISHED,
        STOPPED
    }

    /**
     * Checks what can be told without a model.
     *
     * @throws IllegalArgumentException with the path of a wrong key
     */
    void check(Section settings) throws IOException;

    /** The models that it begins with, which a finished part is compared with. */
    Map<String, Path> inputs(Context context) throws IOException;

    /** Works until it is finished or the monitor wants it to stop. */
    Outcome run(Context context) throws IOException;
}
