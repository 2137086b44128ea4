package dev.instaflow.ptx.run;

import java.util.List;
import java.util.stream.Collectors;

/**
 * Outcome of a launch.
 *
 * @param kernel its name
 * @param completed whether all blocks ran to their end
 * @param findings of the sanitiser, one a kind and line, in order of first occurrence
 * @param counts instructions executed
 * @param traffic memory accesses
 */
public record LaunchReport(
        String kernel,
        boolean completed,
        List<Finding> findings,
        InstructionCounts counts,
        Traffic traffic) {

    public LaunchReport {
        findings = List.copyOf(findings);
    }

    /**
     * This report, if nothing was found.
     *
     * @throws IllegalStateException listing all findings
     */
    public LaunchReport requireClean() {
        if (!findings.isEmpty()) {
            throw new IllegalStateException(
                    kernel
                            + ":\n"
                            + findings.stream()
                                    .map(Finding::toString)
                                    .collect(Collectors.joining("\n")));
        }
        return this;
    }
}
