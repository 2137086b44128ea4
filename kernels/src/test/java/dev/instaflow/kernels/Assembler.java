package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.nvptxcompiler.JNvPTXCompiler;
import jcuda.nvptxcompiler.nvPTXCompileResult;
import jcuda.nvptxcompiler.nvPTXCompilerHandle;

/** NVIDIA's PTX assembler, which needs no GPU. */
final class Assembler {
    /** Anything else at the start of the text crashes the library, and the JVM with it. */
    private static final Pattern HEAD =
            Pattern.compile("\\A\\.version 7\\.0\n\\.target sm_(\\d+)\n\\.address_size 64\n");

    private static final Pattern USE =
            Pattern.compile(
                    "entry function '(\\w+)'[\\s\\S]*?(\\d+) bytes stack frame, (\\d+) bytes spill"
                            + " stores, (\\d+) bytes spill loads[\\s\\S]*?Used (\\d+)"
                            + " registers(?:[^\\n]*?, (\\d+) bytes smem)?");

    private Assembler() {}

    /**
     * What an entry takes on a device.
     *
     * @param registers a thread
     * @param sharedBytes static
     * @param spillBytes stored and loaded
     */
    record Use(int registers, int sharedBytes, int spillBytes) {}

    /** The target that the text names, after a check of what the library would not survive. */
    static int target(String ptx) {
        Matcher head = HEAD.matcher(ptx);
        assertEquals(true, head.find(), "PTX does not start with version 7.0, target, 64 bits");
        return Integer.parseInt(head.group(1));
    }

    /** Assembles for a device, such as 80. */
    static Map<String, Use> assemble(KernelModule module, int architecture) {
        String ptx = module.ptx();
        target(ptx);
        byte[] bytes = (ptx + "\0").getBytes(StandardCharsets.US_ASCII);
        nvPTXCompilerHandle handle = new nvPTXCompilerHandle();
        check("create", JNvPTXCompiler.nvPTXCompilerCreate(handle, bytes.length - 1, bytes), "");
        try {
            String[] options = {"--gpu-name=sm_" + architecture, "--verbose"};
            int status = JNvPTXCompiler.nvPTXCompilerCompile(handle, options.length, options);
            check(module + " for sm_" + architecture, status, log(handle, true));
            return parse(log(handle, false));
        } finally {
            JNvPTXCompiler.nvPTXCompilerDestroy(handle);
        }
    }

    private static String log(nvPTXCompilerHandle handle, boolean errors) {
        long[] size = new long[1];
        if (errors) {
            JNvPTXCompiler.nvPTXCompilerGetErrorLogSize(handle, size);
        } else {
            JNvPTXCompiler.nvPTXCompilerGetInfoLogSize(handle, size);
        }
        byte[] text = new byte[(int) size[0] + 1];
        if (size[0] > 0) {
            if (errors) {
                JNvPTXCompiler.nvPTXCompilerGetErrorLog(handle, text);
            } else {
                JNvPTXCompiler.nvPTXCompilerGetInfoLog(handle, text);
            }
        }
        return new String(text, 0, (int) size[0], StandardCharsets.US_ASCII);
    }

    private static void check(String what, int status, String log) {
        assertEquals(
                nvPTXCompileResult.NVPTXCOMPILE_SUCCESS,
                status,
                what + ": " + nvPTXCompileResult.stringFor(status) + "\n" + log);
    }

    private static Map<String, Use> parse(String log) {
        Map<String, Use> uses = new TreeMap<>();
        Matcher matcher = USE.matcher(log);
        while (matcher.find()) {
            int shared = matcher.group(6) == null ? 0 : Integer.parseInt(matcher.group(6));
            int spills = Integer.parseInt(matcher.group(3)) + Integer.parseInt(matcher.group(4));
            uses.put(matcher.group(1), new Use(Integer.parseInt(matcher.group(5)), shared, spills));
        }
        return uses;
    }
}
