package dev.instaflow.backend.cuda;

import dev.instaflow.kernels.KernelArgument;
import dev.instaflow.kernels.KernelLaunch;
import dev.instaflow.kernels.KernelModule;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import jcuda.Pointer;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;

/** Runs kernels: loads their modules when they are first needed, and has one place in memory for arguments. Thread-safe. */
final class Launcher {
    /** Blocks may have that much dynamic shared memory without asking. */
    private static final int PLAIN_SHARED_BYTES = 48 << 10;

    private static final int MOST_ARGUMENTS = 32;

    /** A kernel, and how much dynamic shared memory it was allowed to have. */
    private static final class Kernel {
        private final CUfunction function = new CUfunction();
        private int sharedBytes = PLAIN_SHARED_BYTES;
    }

    private final CudaContext context;
    private final Map<KernelModule, CUmodule> modules = new EnumMap<>(KernelModule.class);
    private final Map<String, Kernel> kernels = new HashMap<>();
    private final ByteBuffer values =
            ByteBuffer.allocateDirect(MOST_ARGUMENTS * Long.BYTES).order(ByteOrder.nativeOrder());
    private final Pointer[] parameterLists = new Pointer[MOST_ARGUMENTS + 1];

    Launcher(CudaContext context) {
        this.context = context;
    }

    /**
     * Begins a kernel.
     *
     * @param what it computes, for messages
     */
    void launch(KernelLaunch launch, Object what) {
        context.exclusively(
                () -> {
                    Kernel kernel = kernel(launch, what);
                    Pointer parameters = parameters(launch.arguments());
                    KernelLaunch.Extent grid = launch.grid();
                    KernelLaunch.Extent block = launch.block();
                    context.call(
                            "cuLaunchKernel",
                            describe(launch, what),
                            () ->
                                    JCudaDriver.cuLaunchKernel(
                                            kernel.function,
                                            grid.x(),
                                            grid.y(),
                                            grid.z(),
                                            block.x(),
                                            block.y(),
                                            block.z(),
                                            launch.sharedBytes(),
                                            context.stream(),
                                            parameters,
                                            null));
                    context.counter().countLaunch();
                    return launch;
                });
    }

    /** An object whose text is made only for a message. */
    private static Object describe(KernelLaunch launch, Object what) {
        return new Object() {
            @Override
            public String toString() {
                return "%s of %s (grid %s, block %s, %d bytes shared)"
                        .formatted(
                                launch.entry(),
                                what,
                                launch.grid(),
                                launch.block(),
                                launch.sharedBytes());
            }
        };
    }

    private Kernel kernel(KernelLaunch launch, Object what) {
        Kernel kernel = kernels.get(launch.entry());
        if (kernel == null) {
            kernel = new Kernel();
            CUfunction function = kernel.function;
            CUmodule module = module(launch.module());
            context.call(
                    "cuModuleGetFunction",
                    launch.entry(),
                    () -> JCudaDriver.cuModuleGetFunction(function, module, launch.entry()));
            kernels.put(launch.entry(), kernel);
        }
        if (launch.sharedBytes() > kernel.sharedBytes) {
            CUfunction function = kernel.function;
            context.call(
                    "cuFuncSetAttribute",
                    describe(launch, what),
                    () ->
                            JCudaDriver.cuFuncSetAttribute(
                                    function,
                                    CUfunction_attribute
                                            .CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                    launch.sharedBytes()));
            kernel.sharedBytes = launch.sharedBytes();
        }
        return kernel;
    }

    private CUmodule module(KernelModule which) {
        CUmodule loaded = modules.get(which);
        if (loaded == null) {
            CUmodule fresh = new CUmodule();
            context.call(
                    "cuModuleLoadDataEx",
                    "the kernels of " + which.fileName() + ".ptx",
                    () -> load(fresh, which));
            modules.put(which, fresh);
            loaded = fresh;
        }
        return loaded;
    }

    /** Asks the driver to compile a module; its status. */
    static int load(CUmodule module, KernelModule which) {
        // Not an array: JCuda would keep the collector waiting for as long as the driver compiles.
        byte[] text = which.ptx().getBytes(StandardCharsets.US_ASCII);
        ByteBuffer ptx = ByteBuffer.allocateDirect(text.length + 1).put(0, text);
        return JCudaDriver.cuModuleLoadDataEx(
                module, Pointer.to(ptx), 0, new int[0], new Pointer());
    }

    /** The driver copies the values during the launch, so that one place serves all. */
    private Pointer parameters(List<KernelArgument> arguments) {
        for (int i = 0; i < arguments.size(); i++) {
            int at = i * Long.BYTES;
            KernelArgument argument = arguments.get(i);
            if (argument instanceof KernelArgument.Address address) {
                values.putLong(at, address.value());
            } else if (argument instanceof KernelArgument.Int64 number) {
                values.putLong(at, number.value());
            } else if (argument instanceof KernelArgument.Int32 number) {
                values.putInt(at, number.value());
            } else if (argument instanceof KernelArgument.Float32 number) {
                values.putFloat(at, number.value());
            }
        }
        return parameterList(arguments.size());
    }

    private Pointer parameterList(int count) {
        if (parameterLists[count] == null) {
            Pointer[] slots = new Pointer[count];
            for (int i = 0; i < count; i++) {
                slots[i] = Pointer.to(values).withByteOffset((long) i * Long.BYTES);
            }
            parameterLists[count] = Pointer.to(slots);
        }
        return parameterLists[count];
    }

    /** Unloads all modules, as far as the driver still does it. */
    void close() {
        modules.values()
                .forEach(module -> context.release(() -> JCudaDriver.cuModuleUnload(module)));
        modules.clear();
        kernels.clear();
    }
}
