/**
 * The command line {@code instaflow}: one class a command, with options that several commands
 * share as picocli mixins. Results go to standard output, everything for people to standard error,
 * and exit codes are 0 for done, 1 for failed, 2 for bad usage or bad input. Start reading at
 * {@link dev.instaflow.examples.cli.Main}.
 */
package dev.instaflow.examples.cli;
