package dev.instaflow.examples.cli;

import dev.instaflow.backend.Device;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.pipeline.EngineSettings;
import dev.instaflow.pipeline.MemoryMode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Where and how to compute. */
final class DeviceOptions {
    @Mixin private DeviceChoice choice;

    @Option(
            names = "--low-memory",
            description =
                    "Keep weights as the file has them (F16 in two bytes) and prepare each one when "
                            + "it is used: the same image in less memory, slower with each step.")
    private boolean lowMemory;

    /**
     * Settings for one request: networks that are loaded one after the other take no longer than networks that
     * are loaded together.
     */
    EngineSettings settings(WeightSet weights) {
        MemoryMode memory = lowMemory ? MemoryMode.COMPACT : MemoryMode.BY_STAGE;
        return EngineSettings.on(device()).withWeights(weights).withMemory(memory);
    }

    Device device() {
        return choice.device();
    }
}
