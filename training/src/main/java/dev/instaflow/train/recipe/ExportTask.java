package dev.instaflow.train.recipe;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** Writes a model again as the key export says, with its card. */
final class ExportTask implements PartTask {
    @Override
    public void check(Section settings) {
        settings.at("export").choice("dtype", ModelFolder.DTYPES);
    }

    @Override
    public Map<String, Path> inputs(Context context) throws IOException {
        return context.input("model", "start");
    }

    @Override
    public Outcome run(Context context) throws IOException {
        Section settings = context.settings();
        StartModel start = context.models().start(settings.at("model"));
        Path written =
                new ModelFolder(start, settings.at("export"), Map.of())
                        .write(
                                start.file(),
                                start.weights(),
                                context.folder().resolve(Models.MODEL_FOLDER));
        context.monitor().say("wrote " + written);
        return Outcome.FINISHED;
    }
}
