package dev.instaflow.ptx.cli;

import dev.instaflow.ptx.run.EmulatedMemory;
import dev.instaflow.ptx.run.HalfBits;
import dev.instaflow.ptx.run.KernelArguments;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** The device buffers of a run, made from the argument specifications. */
final class Buffers {
    private static final long SEED = 1;

    private record Buffer(ArgumentSpec spec, long address, int bytes) {}

    private final EmulatedMemory memory;
    private final List<Buffer> buffers = new ArrayList<>();
    private final Random random = new Random(SEED);

    Buffers(EmulatedMemory memory) {
        this.memory = memory;
    }

    void append(ArgumentSpec spec, KernelArguments arguments) {
        switch (spec.kind()) {
            case I32 -> arguments.int32((int) (long) spec.value());
            case I64 -> arguments.int64((long) spec.value());
            case F32 -> arguments.float32((float) spec.value());
            default -> arguments.int64(allocate(spec));
        }
    }

    private long allocate(ArgumentSpec spec) {
        int each = spec.kind() == ArgumentSpec.Kind.F16_BUFFER ? 2 : 4;
        int bytes = Math.multiplyExact(each, spec.count());
        long address = memory.allocate(bytes);
        if (spec.filling() != ArgumentSpec.Filling.NONE) {
            ByteBuffer contents = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < spec.count(); i++) {
                put(contents, spec, element(spec, i));
            }
            memory.write(address, contents.array());
        }
        buffers.add(new Buffer(spec, address, bytes));
        return address;
    }

    private double element(ArgumentSpec spec, int index) {
        return switch (spec.filling()) {
            case ONE -> 1;
            case IOTA -> index;
            case RANDOM ->
                    spec.kind() == ArgumentSpec.Kind.I32_BUFFER
                            ? random.nextInt()
                            : random.nextGaussian();
            default -> 0;
        };
    }

    private static void put(ByteBuffer contents, ArgumentSpec spec, double value) {
        switch (spec.kind()) {
            case F32_BUFFER -> contents.putFloat((float) value);
            case F16_BUFFER -> contents.putShort(HalfBits.ofFloat((float) value));
            default -> contents.putInt((int) value);
        }
    }

    /** A line a buffer with its first elements. */
    List<String> describe() {
        List<String> lines = new ArrayList<>();
        for (Buffer buffer : buffers) {
            ByteBuffer bytes =
                    ByteBuffer.wrap(memory.read(buffer.address(), buffer.bytes()))
                            .order(ByteOrder.LITTLE_ENDIAN);
            StringBuilder line = new StringBuilder();
            line.append(String.format("0x%x %s:", buffer.address(), buffer.spec().kind()));
            for (int i = 0; i < Math.min(8, buffer.spec().count()); i++) {
                line.append(' ').append(next(bytes, buffer.spec()));
            }
            lines.add(line.toString());
        }
        return lines;
    }

    private static Number next(ByteBuffer bytes, ArgumentSpec spec) {
        return switch (spec.kind()) {
            case F32_BUFFER -> bytes.getFloat();
            case F16_BUFFER -> HalfBits.toFloat(bytes.getShort());
            default -> bytes.getInt();
        };
    }
}
