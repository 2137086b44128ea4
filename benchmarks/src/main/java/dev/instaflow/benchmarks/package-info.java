/**
 * What everything costs, and what it costs the peers: JMH benchmarks at the real shapes, and mains that
 * measure whole runs. Every benchmark checks its results before it times them, and runs on each {@link
 * dev.instaflow.benchmarks.Engine} that the build holds. Start reading at {@link
 * dev.instaflow.benchmarks.Main} and {@code OneStepBenchmark}.
 */
package dev.instaflow.benchmarks;
