/**
 * The peer ONNX Runtime, for single operations: a model of one node is encoded here, since no exporter runs
 * on the JVM. Images are channels-first, as ONNX has them, and the weights are constants, so that the
 * runtime packs them once. Start reading at {@link
 * dev.instaflow.benchmarks.onnx.OnnxConv2dBenchmark}.
 */
package dev.instaflow.benchmarks.onnx;
