package dev.instaflow.checkpoint.ckpt;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/** Damages files: bytes anywhere, or instructions of the pickle in a zip that stays valid. */
final class FileMutator {
    private static final long[] INTERESTING = {
        0,
        1,
        -1,
        2,
        64,
        65,
        127,
        128,
        255,
        256,
        32767,
        65535,
        65536,
        Integer.MAX_VALUE,
        Integer.MIN_VALUE,
        1L << 32,
        1L << 40,
        1L << 60,
        1L << 62,
        Long.MAX_VALUE,
        Long.MIN_VALUE
    };

    private static final int LARGEST_POOLED = 4000;

    private final Random random;
    private final List<byte[]> files;
    private final List<byte[]> tokens = new ArrayList<>();

    FileMutator(Random random, List<byte[]> files) throws IOException {
        this.random = random;
        this.files = files;
        for (byte[] file : files) {
            Map<String, byte[]> entries = unzip(file);
            byte[] pickle = entries.get(pickleName(entries));
            if (pickle != null && pickle.length < LARGEST_POOLED) { // bombs would drown the rest
                tokens.addAll(PickleTokens.split(pickle));
            }
        }
    }

    /** A damaged copy of one of the files. */
    byte[] next() throws IOException {
        byte[] file = any(files);
        Map<String, byte[]> entries = unzip(file);
        if (!entries.isEmpty() && random.nextInt(3) > 0) {
            return zip(mutatedEntries(entries));
        }
        byte[] mutated = file.clone();
        int times = 1 + random.nextInt(4);
        for (int i = 0; i < times; i++) {
            mutated = mutatedBytes(mutated);
        }
        return mutated;
    }

    private Map<String, byte[]> mutatedEntries(Map<String, byte[]> entries) {
        String name = pickleName(entries);
        if (name.isEmpty() || random.nextInt(8) == 0) {
            name = any(new ArrayList<>(entries.keySet()));
            entries.put(name, mutatedBytes(entries.get(name)));
            return entries;
        }
        List<byte[]> pickle = new ArrayList<>(PickleTokens.split(entries.get(name)));
        int times = 1 + random.nextInt(3);
        for (int i = 0; i < times && !pickle.isEmpty(); i++) {
            mutateToken(pickle);
        }
        entries.put(name, PickleTokens.join(pickle));
        return entries;
    }

    private void mutateToken(List<byte[]> pickle) {
        int at = random.nextInt(pickle.size());
        switch (random.nextInt(7)) {
            case 0 -> pickle.remove(at);
            case 1 -> pickle.add(at, pickle.get(at));
            case 2 -> pickle.add(at, any(tokens));
            case 3 -> pickle.set(at, any(tokens));
            case 4 -> pickle.set(at, number());
            case 5 -> {
                byte[] opcode = {(byte) any(List.of(PickleOpcode.values())).code()};
                pickle.set(at, opcode);
            }
            default -> {
                byte[] token = pickle.get(at).clone();
                token[random.nextInt(token.length)] ^= (byte) (1 << random.nextInt(8));
                pickle.set(at, token);
            }
        }
    }

    /** An integer instruction with an interesting value. */
    private byte[] number() {
        return ByteBuffer.allocate(10)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) PickleOpcode.LONG1.code())
                .put((byte) 8)
                .putLong(INTERESTING[random.nextInt(INTERESTING.length)])
                .array();
    }

    private byte[] mutatedBytes(byte[] bytes) {
        if (bytes.length == 0) {
            return new byte[] {(byte) random.nextInt()};
        }
        int at = random.nextInt(bytes.length);
        int length = 1 + random.nextInt(Math.min(32, bytes.length - at));
        switch (random.nextInt(6)) {
            case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> {
                return Arrays.copyOf(bytes, at);
            }
            case 2 -> overwrite(bytes, at, interesting(1 << random.nextInt(4)));
            case 3 -> {
                byte[] other = any(files);
                int from = random.nextInt(Math.max(1, other.length));
                overwrite(bytes, at, Arrays.copyOfRange(other, from, from + length));
            }
            case 4 -> {
                return concat(bytes, at, bytes, Math.min(bytes.length, at + length));
            }
            default -> {
                return concat(bytes, at + length, bytes, at);
            }
        }
        return bytes;
    }

    private byte[] interesting(int length) {
        byte[] eight =
                ByteBuffer.allocate(8)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putLong(INTERESTING[random.nextInt(INTERESTING.length)])
                        .array();
        return Arrays.copyOf(eight, length);
    }

    private static void overwrite(byte[] bytes, int at, byte[] with) {
        System.arraycopy(with, 0, bytes, at, Math.min(with.length, bytes.length - at));
    }

    /** The start of one array and the end of another. */
    private static byte[] concat(byte[] start, int startLength, byte[] end, int endFrom) {
        byte[] joined = Arrays.copyOf(start, startLength + end.length - endFrom);
        System.arraycopy(end, endFrom, joined, startLength, end.length - endFrom);
        return joined;
    }

    private <T> T any(List<T> list) {
        return list.get(random.nextInt(list.size()));
    }

    private static String pickleName(Map<String, byte[]> entries) {
        return entries.keySet().stream().filter(CkptReader::isPickle).findFirst().orElse("");
    }

    /** Empty for files that are no zip, or one that Java's reader refuses. */
    private static Map<String, byte[]> unzip(byte[] file) {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(file))) {
            ZipEntry entry = zip.getNextEntry();
            while (entry != null) {
                entries.put(entry.getName(), zip.readAllBytes());
                entry = zip.getNextEntry();
            }
            return entries;
        } catch (IOException | IllegalArgumentException e) {
            return new LinkedHashMap<>();
        }
    }

    private static byte[] zip(Map<String, byte[]> entries) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(out)) {
            for (Map.Entry<String, byte[]> item : entries.entrySet()) {
                ZipEntry entry = new ZipEntry(item.getKey());
                CRC32 crc = new CRC32();
                crc.update(item.getValue());
                entry.setMethod(ZipEntry.STORED);
                entry.setSize(item.getValue().length);
                entry.setCrc(crc.getValue());
                zip.putNextEntry(entry);
                zip.write(item.getValue());
            }
        }
        return out.toByteArray();
    }
}
