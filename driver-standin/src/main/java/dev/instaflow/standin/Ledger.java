package dev.instaflow.standin;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What was called, and what was executed because of it: a call of a captured stream is counted once, what it captured as often as its graph
 * was launched.
 *
 * @param calls by name, without {@code _v2}, the refused ones too
 * @param kernels in the order of execution, those of graphs included
 * @param gemms as cuBLAS was asked for
 * @param convolutions as cuDNN was asked for, gradients included
 * @param copies between host and device, and within the device
 * @param other all else that streams did: memsets, small cuDNN operations
 * @param captures nodes of each graph that was captured
 * @param graphLaunches nodes of each graph that was executed
 */
public record Ledger(
        Map<String, Long> calls,
        List<Kernel> kernels,
        List<Gemm> gemms,
        List<Convolution> convolutions,
        List<Copy> copies,
        List<Other> other,
        List<Long> captures,
        List<Long> graphLaunches) {

    /** Numbers of a record as the native side hands it over: its kind, then 40. */
    static final int WIDTH = 41;

    /**
     * A kernel's launch: entry, blocks and threads by x, y, z, and dynamic shared memory.
     *
     * @param arguments in the order of the parameters, at most 32: integers and addresses, of floats their bits
     */
    public record Kernel(
            String entry,
            int gridX,
            int gridY,
            int gridZ,
            int blockX,
            int blockY,
            int blockZ,
            int sharedBytes,
            List<Long> arguments) {
        public Kernel {
            arguments = List.copyOf(arguments);
        }
    }

    /**
     * A matrix product {@code c[m,n] = a[m,k] b[k,n]}, column-major as cuBLAS has it.
     *
     * @param types of a, b and c, as cudaDataType numbers them
     * @param flops multiplications and additions of all matrices of the batch
     * @param bytes of the operands, each once; c twice where it is added to
     */
    public record Gemm(
            long m,
            long n,
            long k,
            long batch,
            boolean transA,
            boolean transB,
            List<Integer> types,
            int computeType,
            double flops,
            double bytes) {}

    /**
     * A convolution or a gradient of one.
     *
     * @param function of cuDNN
     * @param dataType as cudnnDataType numbers it
     * @param flops multiplications and additions
     * @param bytes of input, weights and output, each once
     */
    public record Convolution(
            String function,
            long n,
            long height,
            long width,
            long channelsIn,
            long channelsOut,
            long kernelHeight,
            long kernelWidth,
            long outHeight,
            long outWidth,
            long stride,
            int dataType,
            boolean channelsLast,
            int algorithm,
            double flops,
            double bytes) {}

    /** A copy's direction and size. */
    public record Copy(Direction direction, long bytes, boolean pinned) {
        /** Where from and where to. */
        public enum Direction {
            TO_DEVICE,
            TO_HOST,
            IN_DEVICE
        }
    }

    /** Something else that a stream did, and the bytes that it wrote or read and wrote. */
    public record Other(String name, long bytes) {}

    public Ledger {
        calls = Collections.unmodifiableMap(new TreeMap<>(calls));
        kernels = List.copyOf(kernels);
        gemms = List.copyOf(gemms);
        convolutions = List.copyOf(convolutions);
        copies = List.copyOf(copies);
        other = List.copyOf(other);
        captures = List.copyOf(captures);
        graphLaunches = List.copyOf(graphLaunches);
    }

    /** How often a function was called. */
    public long calls(String function) {
        return calls.getOrDefault(function, 0L);
    }

    /** All calls of the three libraries. */
    public long totalCalls() {
        return calls.values().stream().mapToLong(Long::longValue).sum();
    }

    static Ledger read() {
        Map<String, Long> calls = new TreeMap<>();
        for (String row : NativeBridge.calls()) {
            int space = row.indexOf(' ');
            calls.merge(row.substring(0, space), Long.valueOf(row.substring(space + 1)), Long::sum);
        }
        Ledger ledger = new Reader().read(NativeBridge.recordNames(), NativeBridge.recordNumbers());
        return new Ledger(
                calls,
                ledger.kernels,
                ledger.gemms,
                ledger.convolutions,
                ledger.copies,
                ledger.other,
                ledger.captures,
                ledger.graphLaunches);
    }

    /** Sorts the native side's records. */
    private static final class Reader {
        /** Numbers of a kernel before its arguments. */
        private static final int GEOMETRY = 8;

        private static final int KERNEL = 0;
        private static final int GEMM = 1;
        private static final int CONVOLUTION = 2;
        private static final int COPY = 3;
        private static final int CAPTURE = 5;
        private static final int GRAPH_LAUNCH = 6;

        private final List<Kernel> kernels = new ArrayList<>();
        private final List<Gemm> gemms = new ArrayList<>();
        private final List<Convolution> convolutions = new ArrayList<>();
        private final List<Copy> copies = new ArrayList<>();
        private final List<Other> other = new ArrayList<>();
        private final List<Long> captures = new ArrayList<>();
        private final List<Long> graphLaunches = new ArrayList<>();

        private long[] numbers;
        private int row;

        Ledger read(String[] names, long[] rows) {
            numbers = rows;
            for (row = 0; row < names.length; row++) {
                String name = names[row];
                switch ((int) numbers[row * WIDTH]) {
                    case KERNEL -> kernels.add(kernel(name));
                    case GEMM -> gemms.add(gemm());
                    case CONVOLUTION -> convolutions.add(convolution(name));
                    case COPY -> copies.add(copy());
                    case CAPTURE -> captures.add(at(0));
                    case GRAPH_LAUNCH -> graphLaunches.add(at(0));
                    default -> other.add(new Other(name, at(0)));
                }
            }
            return new Ledger(
                    Map.of(), kernels, gemms, convolutions, copies, other, captures, graphLaunches);
        }

        private long at(int index) {
            return numbers[row * WIDTH + 1 + index];
        }

        private int intAt(int index) {
            return (int) at(index);
        }

        private Kernel kernel(String name) {
            List<Long> arguments = new ArrayList<>();
            for (int i = 0; i < Math.min(at(7), WIDTH - 1 - GEOMETRY); i++) {
                arguments.add(at(GEOMETRY + i));
            }
            return new Kernel(
                    name, intAt(0), intAt(1), intAt(2), intAt(3), intAt(4), intAt(5), intAt(6),
                    arguments);
        }

        private Gemm gemm() {
            return new Gemm(
                    at(0),
                    at(1),
                    at(2),
                    at(3),
                    at(4) != 0,
                    at(5) != 0,
                    List.of(intAt(6), intAt(7), intAt(8)),
                    intAt(9),
                    at(10),
                    at(11));
        }

        private Convolution convolution(String name) {
            return new Convolution(
                    name,
                    at(0),
                    at(1),
                    at(2),
                    at(3),
                    at(4),
                    at(5),
                    at(6),
                    at(7),
                    at(8),
                    at(9),
                    intAt(10),
                    at(11) != 0,
                    intAt(12),
                    at(13),
                    at(14));
        }

        private Copy copy() {
            return new Copy(Copy.Direction.values()[intAt(0)], at(1), at(2) != 0);
        }
    }
}
