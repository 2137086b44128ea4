package dev.instaflow.checkpoint.storage;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Optional;

/**
 * A mapped part of a file that can be given back at once, instead of at some garbage collection. Java
 * 17 has no public call for that: there {@code sun.misc.Unsafe.invokeCleaner} does it, which the JDK
 * exports for this purpose. From Java 22 on {@code java.lang.foreign} does, and the other would warn;
 * it is called by name, since we compile for 17. Where neither is there, the collector decides.
 */
final class Mapping implements AutoCloseable {
    private static final int FIRST_WITH_FOREIGN = 22;
    private static final Optional<Foreign> FOREIGN = Foreign.find();
    private static final Optional<MethodHandle> INVOKE_CLEANER =
            FOREIGN.isPresent() ? Optional.empty() : cleaner();

    private final ByteBuffer bytes;
    private final Optional<Object> arena;

    private Mapping(ByteBuffer bytes, Optional<Object> arena) {
        this.bytes = bytes;
        this.arena = arena;
    }

    /** Maps a part of a file for reading. */
    static Mapping of(FileChannel channel, long position, long length) throws IOException {
        if (FOREIGN.isPresent()) {
            return FOREIGN.get().map(channel, position, length);
        }
        ByteBuffer bytes = channel.map(FileChannel.MapMode.READ_ONLY, position, length);
        return new Mapping(bytes, Optional.empty());
    }

    /** A private view, from the first byte to the last; not to be touched after {@link #close}. */
    ByteBuffer bytes() {
        return bytes.duplicate();
    }

    @Override
    public void close() {
        try {
            if (arena.isPresent()) {
                FOREIGN.orElseThrow().close.invokeExact(arena.get());
            } else if (INVOKE_CLEANER.isPresent()) {
                INVOKE_CLEANER.get().invokeExact(bytes);
            }
        } catch (Throwable e) { // the signature of invokeExact
            throw unchecked(e);
        }
    }

    private static RuntimeException unchecked(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return e instanceof RuntimeException runtime ? runtime : new IllegalStateException(e);
    }

    private static Optional<MethodHandle> cleaner() {
        try {
            Class<?> unsafe = Class.forName("sun.misc.Unsafe");
            Field field = unsafe.getDeclaredField("theUnsafe");
            field.setAccessible(true);
            MethodType type = MethodType.methodType(void.class, ByteBuffer.class);
            return Optional.of(
                    MethodHandles.lookup()
                            .findVirtual(unsafe, "invokeCleaner", type)
                            .bindTo(field.get(null)));
        } catch (ReflectiveOperationException | RuntimeException e) {
            return Optional.empty();
        }
    }

    /** The calls of {@code java.lang.foreign} that are needed, with its types erased. */
    private record Foreign(
            MethodHandle ofShared,
            MethodHandle map,
            MethodHandle asByteBuffer,
            MethodHandle close) {

        static Optional<Foreign> find() {
            if (Runtime.version().feature() < FIRST_WITH_FOREIGN) {
                return Optional.empty();
            }
            try {
                MethodHandles.Lookup lookup = MethodHandles.publicLookup();
                Class<?> arena = Class.forName("java.lang.foreign.Arena");
                Class<?> segment = Class.forName("java.lang.foreign.MemorySegment");
                MethodType mapType =
                        MethodType.methodType(
                                segment, FileChannel.MapMode.class, long.class, long.class, arena);
                MethodHandle ofShared =
                        lookup.findStatic(arena, "ofShared", MethodType.methodType(arena));
                MethodHandle asByteBuffer =
                        lookup.findVirtual(
                                segment, "asByteBuffer", MethodType.methodType(ByteBuffer.class));
                MethodHandle close =
                        lookup.findVirtual(arena, "close", MethodType.methodType(void.class));
                return Optional.of(
                        new Foreign(
                                erased(ofShared),
                                erased(lookup.findVirtual(FileChannel.class, "map", mapType)),
                                erased(asByteBuffer),
                                erased(close)));
            } catch (ReflectiveOperationException | RuntimeException e) {
                return Optional.empty();
            }
        }

        /** With Object in place of the types that Java 17 does not have. */
        private static MethodHandle erased(MethodHandle handle) {
            MethodType type = handle.type();
            for (int i = 0; i < type.parameterCount(); i++) {
                if (isForeign(type.parameterType(i))) {
                    type = type.changeParameterType(i, Object.class);
                }
            }
            return handle.asType(
                    isForeign(type.returnType()) ? type.changeReturnType(Object.class) : type);
        }

        private static boolean isForeign(Class<?> type) {
            return type.getName().startsWith("java.lang.foreign.");
        }

        Mapping map(FileChannel channel, long position, long length) throws IOException {
            try {
                Object arena = (Object) ofShared.invokeExact();
                Object segment =
                        (Object)
                                map.invokeExact(
                                        channel,
                                        FileChannel.MapMode.READ_ONLY,
                                        position,
                                        length,
                                        arena);
                ByteBuffer bytes = (ByteBuffer) asByteBuffer.invokeExact(segment);
                return new Mapping(bytes, Optional.of(arena));
            } catch (IOException e) {
                throw e;
            } catch (Throwable e) { // the signature of invokeExact
                throw unchecked(e);
            }
        }
    }
}
