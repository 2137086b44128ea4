package dev.instaflow.examples.cli;

import dev.instaflow.backend.Device;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.pipeline.EngineSettings;
import dev.instaflow.pipeline.MemoryMode;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Where and how to compute. */
final class DeviceOptions {
    @Option(
            names = "--device",
            paramLabel = "NAME",
            defaultValue = "auto",
            description =
                    "auto, cpu, cuda (cuda:1 for a second one) or reference (plain loops, very "
                            + "slow). Default: auto, the fastest that is usable here; the command "
                            + "doctor tells which that is, and why.")
    private String name;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads of the CPU device. Default: one for each processor.")
    private Optional<Integer> threads;

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
        if (threads.isEmpty()) {
            return Device.named(name);
        }
        if (threads.get() < 1) {
            throw new IllegalArgumentException(
                    "--threads " + threads.get() + ": expected 1 or more");
        }
        Device chosen = Device.named(name);
        if (!chosen.name().equals("cpu")) {
            throw new IllegalArgumentException(
                    "--threads is for the device cpu, not for " + chosen.name());
        }
        return Device.cpu(threads.get());
    }
}
