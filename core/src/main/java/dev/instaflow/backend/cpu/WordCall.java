package dev.instaflow.backend.cpu;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * A C function of one word that no JavaCPP binding has. JavaCPP finds the address of any loaded function,
 * and has one native method that calls a function at an address with one word: what frees memory through a
 * deallocator. That method is private; where reflection may not reach it (JavaCPP as a named module that is
 * not opened), there is no call.
 */
final class WordCall {
    private final MethodHandle call;
    private final long function;

    private WordCall(MethodHandle call, long function) {
        this.call = call;
        this.function = function;
    }

    /** Empty if the function is not loaded or cannot be reached. */
    static Optional<WordCall> find(String name) {
        Pointer function = Loader.addressof(name);
        if (function == null || function.isNull()) {
            return Optional.empty();
        }
        try {
            Class<?> type = Class.forName("org.bytedeco.javacpp.Pointer$NativeDeallocator");
            Constructor<?> make =
                    type.getDeclaredConstructor(Pointer.class, long.class, long.class);
            Method method = type.getDeclaredMethod("deallocate", long.class, long.class);
            make.setAccessible(true);
            method.setAccessible(true);
            Object instance = make.newInstance(new NativeAddress(), 0L, 0L);
            MethodHandle call = MethodHandles.lookup().unreflect(method).bindTo(instance);
            return Optional.of(new WordCall(call, function.address()));
        } catch (ReflectiveOperationException | RuntimeException e) {
            return Optional.empty();
        }
    }

    void call(long word) {
        try {
            call.invokeExact(word, function);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            // What a method handle declares; the native method throws nothing.
            throw new IllegalStateException("native call with " + word, e);
        }
    }
}
