package dev.instaflow.ptx.run;

/** By what executed instructions are counted. */
public enum InstructionClass {
    INTEGER,
    FLOAT,
    HALF,
    DOUBLE,
    SPECIAL_FUNCTION,
    CONVERT,
    COMPARE,
    MOVE,
    LOAD,
    STORE,
    ATOMIC,
    ASYNC_COPY,
    MATRIX,
    WARP,
    BARRIER,
    CONTROL
}
