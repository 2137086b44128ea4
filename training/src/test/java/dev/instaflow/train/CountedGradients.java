package dev.instaflow.train;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.ops.GradOps;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Map;

/** A backend whose gradient operations are counted by name. */
public final class CountedGradients {
    private CountedGradients() {}

    /** The same backend; {@code calls} grows. */
    public static TrainingBackend of(TrainingBackend backend, Map<String, Integer> calls) {
        return proxy(
                TrainingBackend.class,
                (self, method, arguments) -> {
                    try {
                        Object result = method.invoke(backend, arguments);
                        return result instanceof GradOps gradients
                                ? counted(gradients, calls)
                                : result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static GradOps counted(GradOps gradients, Map<String, Integer> calls) {
        return proxy(
                GradOps.class,
                (self, method, arguments) -> {
                    calls.merge(method.getName(), 1, Integer::sum);
                    try {
                        return method.invoke(gradients, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }
}
