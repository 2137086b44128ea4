/**
 * The one interface between models and backends: the few tensor operations that the three models need,
 * with the fused forms that matter. A layer is written against {@link dev.instaflow.ops.Ops} once and
 * runs on every backend, and under the tape that training wraps around one. Start reading there.
 */
package dev.instaflow.ops;
