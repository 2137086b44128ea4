package dev.instaflow.examples.cli;

import dev.instaflow.backend.Device;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Where to compute. */
final class DeviceChoice {
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
