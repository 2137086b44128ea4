package dev.instaflow.examples.cli;

import dev.instaflow.backend.Device;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Says what {@code --device auto} would choose. */
@Command(
        name = "devices",
        description = "Say which device --device auto chooses on this machine, and why.")
final class DevicesCommand implements Callable<Integer> {
    private final Terminal terminal;

    DevicesCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        terminal.out().println(Device.auto().explanation());
        return Failure.DONE;
    }
}
