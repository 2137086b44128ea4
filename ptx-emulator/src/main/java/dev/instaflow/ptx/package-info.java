/**
 * Reads a PTX module into a typed program: functions, parameters, registers, variables and
 * instructions with their source lines. It is apart from running so that tests may ask what a
 * kernel's signature is without executing it. Start reading at {@link dev.instaflow.ptx.PtxParser}.
 */
package dev.instaflow.ptx;
