package dev.instaflow.train.recipe;

import dev.instaflow.checkpoint.layout.WeightSet;
import java.io.IOException;
import java.nio.file.Path;

/** Makes the model of a part from its last checkpoint. */
final class Finished {
    /** What a checkpoint holds. */
    enum Kind {
        MODEL,
        LORA
    }

    private Finished() {}

    static void write(PartTask.Context context, Path checkpoint, ModelFolder model, Kind kind)
            throws IOException {
        Section export = context.settings().at("export");
        // The averages are in a file of their own, under the plain names.
        boolean averages = export.choice("weights", Models.WEIGHTS) == WeightSet.EMA;
        Path source = checkpoint.resolve(averages ? "ema.ckpt" : "model.ckpt");
        Path folder = context.folder().resolve(Models.MODEL_FOLDER);
        Path written =
                kind == Kind.LORA
                        ? ModelFolder.writeLora(source, export, folder)
                        : model.write(source, WeightSet.PLAIN, folder);
        context.monitor().say("wrote " + written);
    }
}
