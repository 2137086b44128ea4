package dev.instaflow.ptx.run;

import dev.instaflow.ptx.PtxParser;
import dev.instaflow.ptx.PtxTexts;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** A device with one module, and arrays in and out of it. */
final class Bench {
    private static final String HEAD = ".version 7.0\n.target sm_80\n.address_size 64\n";

    final EmulatedMemory memory = new EmulatedMemory();
    final EmulatedModule module;

    private Bench(String source, String text) {
        module = EmulatedModule.load(PtxParser.parse(source, text), memory);
    }

    static Bench ofFile(String file) throws IOException {
        return new Bench(file, PtxTexts.read(file));
    }

    static Bench ofText(String source, String text) {
        return new Bench(source, text);
    }

    /** A kernel {@code k} whose body starts in line 5, with pointers a and b as %a and %b, and registers of all kinds. */
    static Bench ofBody(String declarations, String body) {
        return new Bench(
                "body",
                HEAD
                        + ".visible .entry k(.param .u64 pa, .param .u64 pb) { .reg .pred %p<8>; .reg .b16 %h<16>; .reg .b32 %r<32>; .reg .f32 %f<32>;"
                        + " .reg .b64 %d<32>; .reg .f64 %g<8>; .reg .b64 %a, %b; .reg .b32 %t; "
                        + declarations
                        + " ld.param.u64 %a, [pa]; ld.param.u64 %b, [pb]; mov.u32 %t, %tid.x;\n"
                        + body
                        + "\n}\n");
    }

    EmulatedKernel kernel(String name) {
        return module.kernel(name).orElseThrow();
    }

    long upload(float[] values) {
        ByteBuffer bytes = buffer(4 * values.length);
        bytes.asFloatBuffer().put(values);
        return upload(bytes.array());
    }

    long upload(int... values) {
        ByteBuffer bytes = buffer(4 * values.length);
        bytes.asIntBuffer().put(values);
        return upload(bytes.array());
    }

    long upload(short[] values) {
        ByteBuffer bytes = buffer(2 * values.length);
        bytes.asShortBuffer().put(values);
        return upload(bytes.array());
    }

    private long upload(byte[] bytes) {
        long address = memory.allocate(bytes.length);
        memory.write(address, bytes);
        return address;
    }

    float[] floats(long address, int count) {
        float[] values = new float[count];
        ByteBuffer.wrap(memory.read(address, 4 * count))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asFloatBuffer()
                .get(values);
        return values;
    }

    int[] ints(long address, int count) {
        int[] values = new int[count];
        ByteBuffer.wrap(memory.read(address, 4 * count))
                .order(ByteOrder.LITTLE_ENDIAN)
                .asIntBuffer()
                .get(values);
        return values;
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    static float[] normal(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }
}
