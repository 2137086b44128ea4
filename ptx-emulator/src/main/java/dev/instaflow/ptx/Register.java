package dev.instaflow.ptx;

/**
 * A virtual register.
 *
 * @param name as declared, such as {@code %r7}; may be declared again in an inner scope
 * @param type declared type
 * @param index unique within its function, from 0
 */
public record Register(String name, ScalarType type, int index) {}
