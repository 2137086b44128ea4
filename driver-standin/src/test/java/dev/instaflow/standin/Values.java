package dev.instaflow.standin;

import static dev.instaflow.standin.DriverFixture.allocate;
import static dev.instaflow.standin.DriverFixture.direct;
import static dev.instaflow.standin.DriverFixture.ok;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;

import java.nio.ByteBuffer;
import java.util.Random;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;

/** Numbers that F32, F16 and BF16 hold exactly, on their way to the device and back. */
enum Values {
    F32(0, 0, 4, 24),
    F16(2, 2, 2, 11),
    BF16(14, 9, 2, 8);

    /** As cudaDataType and cudnnDataType number them. */
    final int cuda;

    final int cudnn;
    final int bytes;

    /** Of the significand, the hidden one included. */
    final int bits;

    Values(int cuda, int cudnn, int bytes, int bits) {
        this.cuda = cuda;
        this.cudnn = cudnn;
        this.bytes = bytes;
        this.bits = bits;
    }

    /** Multiples of 1/8 from -2 to 2: sums of some thousand products are exact in F32. */
    static double[] random(int count, long seed) {
        Random random = new Random(seed);
        return random.ints(count, -16, 17).mapToDouble(i -> i / 8.0).toArray();
    }

    /** Half an ulp of a result, which is what one rounding may be off. */
    double halfUlp(double value) {
        return Math.abs(value) * Math.pow(2, -bits) + 1e-30;
    }

    CUdeviceptr upload(double[] values) {
        CUdeviceptr pointer = allocate((long) bytes * values.length);
        ByteBuffer buffer = direct(bytes * values.length);
        for (double value : values) {
            put(buffer, (float) value);
        }
        ok(cuMemcpyHtoD(pointer, Pointer.to(buffer), buffer.capacity()));
        return pointer;
    }

    private void put(ByteBuffer buffer, float value) {
        int raw = Float.floatToRawIntBits(value);
        switch (this) {
            case F32 -> buffer.putInt(raw);
            case BF16 -> buffer.putShort((short) (raw >>> 16));
            case F16 -> {
                int exponent = (raw >>> 23 & 0xff) - 112;
                int half = value == 0 ? 0 : exponent << 10 | raw >>> 13 & 0x3ff;
                buffer.putShort((short) (raw >>> 16 & 0x8000 | half));
            }
        }
    }

    double[] download(CUdeviceptr pointer, int count) {
        ByteBuffer buffer = direct(bytes * count);
        ok(cuMemcpyDtoH(Pointer.to(buffer), pointer, buffer.capacity()));
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] =
                    switch (this) {
                        case F32 -> buffer.getFloat();
                        case BF16 -> Float.intBitsToFloat(buffer.getShort() << 16);
                        case F16 -> half(buffer.getShort());
                    };
        }
        return values;
    }

    private static double half(short bits) {
        double sign = bits < 0 ? -1 : 1;
        int exponent = bits >> 10 & 0x1f;
        int fraction = bits & 0x3ff;
        if (exponent == 31) {
            return fraction == 0 ? sign * Double.POSITIVE_INFINITY : Double.NaN;
        }
        return exponent == 0
                ? sign * fraction * 0x1p-24
                : sign * (1024 + fraction) * Math.pow(2, exponent - 25);
    }
}
