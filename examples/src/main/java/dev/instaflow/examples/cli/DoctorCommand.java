package dev.instaflow.examples.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Says what there is to compute with. */
@Command(
        name = "doctor",
        description = {
            "Say what there is on this machine to compute with, what is missing for a GPU and where to get it,",
            "and which device --device auto chooses, and why."
        },
        exitCodeList = {
            "0:there is a device, be it the CPU alone",
            "1:there is none that works; the report says why",
            "2:bad usage"
        })
final class DoctorCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Option(names = "--json", description = "For programs.")
    private boolean json;

    DoctorCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        DoctorReport report = DoctorReport.ofThisMachine();
        terminal.out().println(json ? report.json().toPrettyString() : report.text());
        return report.choice().opened().isPresent() ? Failure.DONE : Failure.FAILED;
    }
}
