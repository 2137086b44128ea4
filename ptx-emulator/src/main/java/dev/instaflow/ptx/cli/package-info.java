/**
 * The command {@code run}: executes one kernel of a PTX file under the sanitiser and prints what was
 * found and counted. It makes the emulator useful without writing Java. Start reading at
 * {@link dev.instaflow.ptx.cli.PtxCommand}.
 */
package dev.instaflow.ptx.cli;
