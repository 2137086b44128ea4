package dev.instaflow.tensor;

import dev.instaflow.checkpoint.AtomicFile;
import dev.instaflow.checkpoint.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * An array in NumPy's file format, version 1.0: C order, little-endian F32, I32 or U8. For noise and
 * latents that come from or go to other programs. Immutable.
 *
 * @see <a href="https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html">the format</a>
 */
public final class Npy {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    private static final int HEADER_START = MAGIC.length + 2;

    /** Far above any latent; an array has to fit on the heap. */
    private static final long MAX_BYTES = 1L << 30;

    /** The data begin at a multiple of this. */
    private static final int ALIGNMENT = 64;

    private static final Map<String, DType> TYPES =
            Map.of("<f4", DType.F32, "<i4", DType.I32, "|u1", DType.U8);

    private static final Pattern HEADER =
            Pattern.compile(
                    "\\{ *'descr' *: *'([^']{1,16})' *, *'fortran_order' *: *(True|False) *,"
                            + " *'shape' *: *\\(([0-9, ]{0,200})\\) *,? *\\} *\n");

    private final DType dtype;
    private final Shape shape;
    private final byte[] data;

    private Npy(DType dtype, Shape shape, byte[] data) {
        if (shape.count() != data.length / dtype.sizeBytes()) {
            throw new IllegalArgumentException(
                    "array of shape %s with %d bytes of %s".formatted(shape, data.length, dtype));
        }
        this.dtype = dtype;
        this.shape = shape;
        this.data = data;
    }

    /**
     * An array of floats.
     *
     * @param shape as many elements as {@code values}
     * @param values row-major, copied
     * @return F32
     */
    public static Npy of(Shape shape, float[] values) {
        ByteBuffer bytes = littleEndian(new byte[Math.multiplyExact(values.length, Float.BYTES)]);
        bytes.asFloatBuffer().put(values);
        return new Npy(DType.F32, shape, bytes.array());
    }

    /**
     * Reads a file.
     *
     * @param path any file; nothing in it is trusted
     * @return the array
     * @throws NpyFormatException if it is not such a file, or is cut short or too long
     * @throws IOException if it cannot be read
     */
    public static Npy read(Path path) throws IOException {
        if (Files.size(path) > MAX_BYTES) {
            throw new NpyFormatException(
                    "%s: has %d bytes; at most %d are read"
                            .formatted(path, Files.size(path), MAX_BYTES));
        }
        byte[] file = Files.readAllBytes(path);
        if (file.length < HEADER_START
                || !Arrays.equals(file, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
            throw new NpyFormatException(path + ": not a .npy file of version 1.0");
        }
        int headerBytes = littleEndian(file).getShort(MAGIC.length) & 0xffff;
        int dataStart = HEADER_START + headerBytes;
        if (dataStart > file.length) {
            throw new NpyFormatException(
                    "%s: the header has %d bytes, the file only %d"
                            .formatted(path, headerBytes, file.length - HEADER_START));
        }
        String header = new String(file, HEADER_START, headerBytes, StandardCharsets.ISO_8859_1);
        Matcher matcher = HEADER.matcher(header);
        if (!matcher.matches()) {
            throw new NpyFormatException(path + ": unreadable header " + header.strip());
        }
        DType dtype = TYPES.get(matcher.group(1));
        if (dtype == null || matcher.group(2).equals("True")) {
            throw new NpyFormatException(
                    "%s: holds %s, fortran_order %s; expected <f4, <i4 or |u1 in C order"
                            .formatted(path, matcher.group(1), matcher.group(2)));
        }
        Shape shape = shape(path, matcher.group(3));
        checkLength(path, shape, dtype, file.length - dataStart);
        return new Npy(dtype, shape, Arrays.copyOfRange(file, dataStart, file.length));
    }

    private static Shape shape(Path path, String sizes) throws NpyFormatException {
        try {
            return Shape.of(
                    Arrays.stream(sizes.split(","))
                            .map(String::strip)
                            .filter(size -> !size.isEmpty())
                            .mapToLong(Long::parseLong)
                            .toArray());
        } catch (NumberFormatException | ArithmeticException e) {
            throw new NpyFormatException(path + ": impossible shape (" + sizes + ')');
        }
    }

    private static void checkLength(Path path, Shape shape, DType dtype, int found)
            throws NpyFormatException {
        // The count may be anything that fits a long; no product with it may overflow.
        boolean fits = found % dtype.sizeBytes() == 0 && shape.count() == found / dtype.sizeBytes();
        if (!fits) {
            throw new NpyFormatException(
                    "%s: %s of shape %s, but %d bytes of data"
                            .formatted(path, dtype, shape, found));
        }
    }

    /**
     * Writes the array, to a temporary file that is then moved into place.
     *
     * @param path the file to make or replace
     * @throws IOException if it cannot be written; an existing file is then unharmed
     */
    public void write(Path path) throws IOException {
        AtomicFile.write(path, part -> Files.write(part, toBytes()));
    }

    private byte[] toBytes() {
        String descr =
                TYPES.entrySet().stream()
                        .filter(type -> type.getValue() == dtype)
                        .map(Map.Entry::getKey)
                        .findFirst()
                        .orElseThrow();
        String sizes =
                shape.sizes().stream().map(size -> size + ",").collect(Collectors.joining(" "));
        String header =
                "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }"
                        .formatted(descr, shape.rank() > 1 ? sizes.replaceFirst(",$", "") : sizes);
        int unpadded = HEADER_START + header.length() + 1;
        int padded = (unpadded + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        header += " ".repeat(padded - unpadded) + '\n';
        ByteBuffer file = littleEndian(new byte[Math.addExact(padded, data.length)]);
        file.put(MAGIC).putShort((short) header.length());
        file.put(header.getBytes(StandardCharsets.ISO_8859_1)).put(data);
        return file.array();
    }

    /**
     * The element type.
     *
     * @return F32, I32 or U8
     */
    public DType dtype() {
        return dtype;
    }

    /**
     * The sizes.
     *
     * @return as in the file
     */
    public Shape shape() {
        return shape;
    }

    /**
     * The values of an F32 array.
     *
     * @return row-major, a fresh array
     * @throws IllegalStateException if it is of another type
     */
    public float[] floats() {
        require(DType.F32);
        float[] values = new float[Math.toIntExact(shape.count())];
        littleEndian(data).asFloatBuffer().get(values);
        return values;
    }

    /**
     * The values of an I32 array.
     *
     * @return row-major, a fresh array
     * @throws IllegalStateException if it is of another type
     */
    public int[] ints() {
        require(DType.I32);
        int[] values = new int[Math.toIntExact(shape.count())];
        littleEndian(data).asIntBuffer().get(values);
        return values;
    }

    /**
     * The values of a U8 array.
     *
     * @return row-major, a fresh array
     * @throws IllegalStateException if it is of another type
     */
    public byte[] bytes() {
        require(DType.U8);
        return data.clone();
    }

    private void require(DType wanted) {
        if (dtype != wanted) {
            throw new IllegalStateException(
                    "array %s holds %s, not %s".formatted(shape, dtype, wanted));
        }
    }

    private static ByteBuffer littleEndian(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
