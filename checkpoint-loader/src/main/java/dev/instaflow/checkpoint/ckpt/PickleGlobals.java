package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.ckpt.PickleValue.Foreign;
import dev.instaflow.checkpoint.ckpt.PickleValue.Known;
import dev.instaflow.checkpoint.ckpt.PickleValue.StorageType;
import dev.instaflow.checkpoint.ckpt.PickleValue.TypeName;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The names that a pickle may mention. A closed list has a meaning; every other name stays a name,
 * since nothing is ever looked up or called. Names whose only use in a pickle is to run code are
 * refused all the same: a file with one of them is an attack, and its owner should hear so.
 */
final class PickleGlobals {
    /** Modules (and everything below them) that no model file has an honest use for. */
    private static final Set<String> REFUSED_MODULES =
            Set.of(
                    "os",
                    "posix",
                    "nt",
                    "ntpath",
                    "posixpath",
                    "subprocess",
                    "sys",
                    "shutil",
                    "socket",
                    "runpy",
                    "importlib",
                    "imp",
                    "pty",
                    "commands",
                    "ctypes",
                    "pickle",
                    "_pickle",
                    "cPickle",
                    "marshal",
                    "dill",
                    "cloudpickle",
                    "joblib",
                    "code",
                    "codeop",
                    "webbrowser",
                    "pdb",
                    "bdb",
                    "timeit",
                    "trace",
                    "pip",
                    "ensurepip",
                    "venv",
                    "io",
                    "_io",
                    "tempfile",
                    "urllib",
                    "http",
                    "ftplib",
                    "smtplib",
                    "telnetlib",
                    "requests",
                    "asyncio",
                    "signal",
                    "pkgutil",
                    "zipimport",
                    "nturl2path",
                    "platform",
                    "popen2",
                    "torch.hub",
                    "torch.package",
                    "torch.jit",
                    "torch.utils.cpp_extension",
                    "torch.utils.model_zoo");

    /** Functions that make or run code, or read another file. */
    private static final Set<String> REFUSED_NAMES =
            Set.of(
                    "torch.load",
                    "torch.serialization.load",
                    "torch.storage._load_from_bytes",
                    "torch.save",
                    "torch.compile",
                    "torch._dynamo.compile",
                    "types.FunctionType",
                    "types.CodeType",
                    "types.MethodType",
                    "types.ModuleType",
                    "functools.reduce",
                    "operator.attrgetter",
                    "operator.methodcaller",
                    "numpy.load",
                    "numpy.testing._private.utils.runstring");

    /** All that the built-in module gives to honest files; the rest of it opens every door. */
    private static final Set<String> HARMLESS_BUILTINS =
            Set.of(
                    "set",
                    "frozenset",
                    "complex",
                    "bytearray",
                    "bytes",
                    "str",
                    "unicode",
                    "int",
                    "long",
                    "float",
                    "bool",
                    "list",
                    "tuple",
                    "dict",
                    "slice",
                    "range",
                    "xrange",
                    "object",
                    "NoneType",
                    "Ellipsis",
                    "NotImplemented",
                    "property",
                    "Exception",
                    "ValueError",
                    "RuntimeError",
                    "KeyError",
                    "TypeError",
                    "StopIteration");

    private static final Map<String, PickleValue> KNOWN = known();

    private PickleGlobals() {}

    /** Why a name is refused, or empty if it may be mentioned. */
    static Optional<String> refusal(String module, String name) {
        String full = module + "." + name;
        if (module.equals("builtins") || module.equals("__builtin__")) {
            return HARMLESS_BUILTINS.contains(name)
                    ? Optional.empty()
                    : Optional.of("runs or reaches code");
        }
        if (name.contains("__") && name.contains(".")) {
            return Optional.of("reaches into a class");
        }
        if (REFUSED_NAMES.contains(full)) {
            return Optional.of("runs code or reads another file");
        }
        for (int dot = full.indexOf('.'); dot >= 0; dot = full.indexOf('.', dot + 1)) {
            if (REFUSED_MODULES.contains(full.substring(0, dot))) {
                return Optional.of("runs code or reaches the system");
            }
        }
        return Optional.empty();
    }

    /** What a name that is not refused stands for. */
    static PickleValue resolve(String module, String name) {
        String full = module + "." + name;
        PickleValue value = KNOWN.get(full);
        return value != null ? value : new Foreign(full);
    }

    private static Map<String, PickleValue> known() {
        Map<String, PickleValue> known = new HashMap<>();
        known.put("collections.OrderedDict", Known.ORDERED_DICT);
        known.put("torch.Size", Known.SIZE);
        known.put("torch._utils._rebuild_tensor", Known.REBUILD_TENSOR);
        known.put("torch._utils._rebuild_tensor_v2", Known.REBUILD_TENSOR_V2);
        known.put("torch._utils._rebuild_tensor_v3", Known.REBUILD_TENSOR_V3);
        known.put("torch._utils._rebuild_parameter", Known.REBUILD_PARAMETER);
        known.put("torch._utils._rebuild_parameter_with_state", Known.REBUILD_PARAMETER_WITH_STATE);
        known.put("torch._tensor._rebuild_from_type_v2", Known.REBUILD_FROM_TYPE_V2);
        known.put("torch.storage.UntypedStorage", new StorageType(Optional.empty()));
        known.put("torch.UntypedStorage", new StorageType(Optional.empty()));
        storage(known, "Double", DType.F64);
        storage(known, "Float", DType.F32);
        storage(known, "Half", DType.F16);
        storage(known, "BFloat16", DType.BF16);
        storage(known, "Long", DType.I64);
        storage(known, "Int", DType.I32);
        storage(known, "Short", DType.I16);
        storage(known, "Char", DType.I8);
        storage(known, "Byte", DType.U8);
        storage(known, "Bool", DType.BOOL);
        type(known, DType.F64, "float64", "double");
        type(known, DType.F32, "float32", "float");
        type(known, DType.F16, "float16", "half");
        type(known, DType.BF16, "bfloat16");
        type(known, DType.I64, "int64", "long");
        type(known, DType.I32, "int32", "int");
        type(known, DType.I16, "int16", "short");
        type(known, DType.I8, "int8");
        type(known, DType.U8, "uint8");
        type(known, DType.U16, "uint16");
        type(known, DType.U32, "uint32");
        type(known, DType.U64, "uint64");
        type(known, DType.BOOL, "bool");
        type(known, DType.F8_E4M3, "float8_e4m3fn");
        type(known, DType.F8_E5M2, "float8_e5m2");
        return Map.copyOf(known);
    }

    private static void storage(Map<String, PickleValue> known, String name, DType dtype) {
        StorageType type = new StorageType(Optional.of(dtype));
        known.put("torch." + name + "Storage", type);
        known.put("torch.cuda." + name + "Storage", type);
    }

    private static void type(Map<String, PickleValue> known, DType dtype, String... names) {
        for (String name : names) {
            known.put("torch." + name, new TypeName(dtype));
        }
    }
}
