/**
 * The truth that every other backend is tested against: plain loops over heap arrays, sums in double. It
 * can keep results in double as well, which the finite differences of gradient checks need. Slow by
 * design; start reading at {@link dev.instaflow.backend.reference.ReferenceBackend}.
 */
package dev.instaflow.backend.reference;
