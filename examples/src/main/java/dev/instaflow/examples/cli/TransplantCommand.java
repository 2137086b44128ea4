package dev.instaflow.examples.cli;

import dev.instaflow.checkpoint.convert.Overwrite;
import dev.instaflow.train.transplant.BlockStrength;
import dev.instaflow.train.transplant.DerivationLimits;
import dev.instaflow.train.transplant.Transplant;
import dev.instaflow.train.transplant.TransplantReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Adds what a fine-tune has learnt to another descendant of its base. */
@Command(
        name = "transplant",
        description = {
            "Add to a model what a fine-tune of the same base has learnt: receiver + alpha (finetune - base). It is",
            "checked first that both derive from the base. Prints what each block got.",
            "",
            "  instaflow transplant --receiver instaflow.ckpt --base sd15.ckpt --finetune emoji.ckpt "
                    + "--alpha 0.8 --block-alpha \"\\.attn2\\.=1\" --out emoji-instaflow.ckpt",
            ""
        })
final class TransplantCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Option(
            names = "--receiver",
            paramLabel = "FILE|DIR",
            required = true,
            description = "The model that is changed, such as a rectified flow.")
    private Path receiver;

    @Option(
            names = "--base",
            paramLabel = "FILE|DIR",
            required = true,
            description = "What receiver and fine-tune both derive from.")
    private Path base;

    @Option(
            names = "--finetune",
            paramLabel = "FILE|DIR",
            required = true,
            description = "What has learnt more.")
    private Path finetune;

    @Option(
            names = "--out",
            paramLabel = "FILE|DIR",
            required = true,
            description = "Written in the receiver's format and element types.")
    private Path out;

    @Option(
            names = "--alpha",
            paramLabel = "A",
            defaultValue = "1",
            description = "How much of the change is added. Default: 1.")
    private double alpha;

    @Option(
            names = "--block-alpha",
            paramLabel = "REGEX=A",
            description =
                    "Another alpha for the weights in whose CompVis names the expression is found; the "
                            + "first that fits counts. Several times.")
    private List<String> blocks = List.of();

    @Option(
            names = "--accept-strangers",
            description = "Do it even if a model does not seem to derive from the base.")
    private boolean strangers;

    @Option(names = "--overwrite", description = "Replace what is at --out.")
    private boolean overwrite;

    TransplantCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws IOException {
        for (Path model : List.of(receiver, base, finetune)) {
            if (!Files.exists(model)) {
                throw new NoSuchFileException(model.toString());
            }
        }
        TransplantReport report =
                new Transplant(
                                receiver,
                                base,
                                finetune,
                                out,
                                new BlockStrength(alpha, rules()),
                                DerivationLimits.USUAL,
                                strangers
                                        ? Transplant.Strangers.ACCEPT
                                        : Transplant.Strangers.REFUSE,
                                overwrite ? Overwrite.REPLACE : Overwrite.REFUSE)
                        .run();
        terminal.say("fine-tune against base: " + report.finetune());
        terminal.say("receiver against base: " + report.receiver());
        for (TransplantReport.Block block : report.blocks()) {
            terminal.say(
                    String.format(Locale.ROOT, "%8.4f %%  %s", 100 * block.share(), block.name()));
        }
        terminal.say(report.changedTensors() + " tensors changed");
        terminal.out().println(out);
        return Failure.DONE;
    }

    private List<BlockStrength.Rule> rules() throws BadInputException {
        List<BlockStrength.Rule> rules = new ArrayList<>();
        for (String block : blocks) {
            int sign = block.lastIndexOf('=');
            try {
                rules.add(
                        new BlockStrength.Rule(
                                Pattern.compile(block.substring(0, Math.max(0, sign))),
                                Double.parseDouble(block.substring(sign + 1))));
            } catch (PatternSyntaxException | NumberFormatException e) {
                throw new BadInputException(
                        "--block-alpha %s: expected REGEX=NUMBER".formatted(block));
            }
            if (sign < 1) {
                throw new BadInputException(
                        "--block-alpha %s: expected REGEX=NUMBER".formatted(block));
            }
        }
        return rules;
    }
}
