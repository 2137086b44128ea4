/**
 * The peer ONNX Runtime, for single operations and for whole networks. Its operations compute nothing: they
 * record an ONNX graph, as an exporter would, since none runs on the JVM, and asking for values runs it.
 * Start reading at {@link dev.instaflow.benchmarks.onnx.OnnxBackend}.
 */
package dev.instaflow.benchmarks.onnx;
