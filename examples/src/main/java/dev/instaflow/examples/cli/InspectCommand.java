package dev.instaflow.examples.cli;

import dev.instaflow.checkpoint.inspect.Inspection;
import dev.instaflow.checkpoint.inspect.Inspection.Checksums;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Tells what a file is. */
@Command(
        name = "inspect",
        description = {
            "Tell what a model file or folder is, whether it is whole, and what running it takes.",
            "Nothing in the file is executed, and no tensor is read."
        },
        exitCodeList = {
            "0:it could be read; whether it is whole is in the report",
            "1:failed",
            "2:bad usage, or no readable model; the report says why"
        })
final class InspectCommand implements Callable<Integer> {
    private static final int USUAL_SIDE = 512;

    private final Terminal terminal;

    @Parameters(paramLabel = "FILE|DIR", description = "Any file, or a diffusers folder.")
    private Path path;

    @Option(names = "--json", description = "For programs, with every missing and unexpected key.")
    private boolean json;

    @Option(names = "--sha256", description = "Also compute the checksums; reads the whole file.")
    private boolean sha256;

    InspectCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        Checksums checksums = sha256 ? Checksums.SHA256 : Checksums.NONE;
        Inspection inspection = Inspection.of(path, USUAL_SIDE, USUAL_SIDE, checksums);
        terminal.out().println(json ? inspection.json().toPrettyString() : inspection.text());
        return inspection.contents().isPresent() ? Failure.DONE : Failure.BAD_INPUT;
    }
}
