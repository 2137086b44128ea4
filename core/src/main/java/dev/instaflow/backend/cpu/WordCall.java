package dev.instaflow.backend.cpu;

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
    private final Object caller;
    private final Method call;
    private final long function;

    private WordCall(Object caller, Method call, long function) {
        this.caller = caller;
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
            return Optional.of(new WordCall(instance, method, function.address()));
        } catch (ReflectiveOperationException | RuntimeException e) {
            return Optional.empty();
        }
    }

    void call(long word) {
        try {
            call.invoke(caller, word, function);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("native call with " + word, e);
        }
    }
}
