package dev.instaflow.checkpoint.ckpt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.ckpt.PickleValue.Dict;
import dev.instaflow.checkpoint.ckpt.PickleValue.Foreign;
import dev.instaflow.checkpoint.ckpt.PickleValue.Sequence;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pickles in Latin-1 strings; the plain ones are what Python 3.11's pickle writes. */
class PickleMachineTest {
    private static final int LARGEST_PICKLE = 32 << 20;

    private static Object run(String pickle) throws CheckpointFormatException {
        byte[] bytes = pickle.getBytes(StandardCharsets.ISO_8859_1);
        return PickleMachine.run("test", ByteBuffer.wrap(bytes)).root();
    }

    @Test
    void readsPlainValuesOfProtocol0() throws CheckpointFormatException {
        // pickle.dumps([1, True, False, -5, 2**70, 1.5, 'x', None], 0)
        String pickle =
                "(lp0\nI1\naI01\naI00\naI-5\naL1180591620717411303424L\naF1.5\naVx\np1\naNa.";
        Sequence list = assertInstanceOf(Sequence.class, run(pickle));
        List<Object> expected =
                List.of(
                        1L,
                        true,
                        false,
                        -5L,
                        BigInteger.ONE.shiftLeft(70),
                        1.5,
                        "x",
                        PickleValue.None.NONE);
        assertEquals(expected, list.items);
    }

    @Test
    void readsPlainValuesOfProtocol4() throws CheckpointFormatException {
        // pickle.dumps({'a': (1, 2.5), 'b': -70000}, 4)
        String pickle =
                "\u0080\u0004\u0095\u001f\0\0\0\0\0\0\0}\u0094(\u008c\u0001a\u0094K\u0001G@\u0004"
                        + "\0\0\0\0\0\0\u0086\u0094\u008c\u0001b\u0094J\u0090\u00ee\u00fe\u00ffu.";
        Dict dict = assertInstanceOf(Dict.class, run(pickle));
        Sequence tuple = assertInstanceOf(Sequence.class, dict.get("a").orElseThrow());
        assertEquals(List.of(1L, 2.5), tuple.items);
        assertEquals(-70000L, dict.get("b").orElseThrow());
    }

    @Test
    void unknownClassesStayNames() throws CheckpointFormatException {
        Foreign object = assertInstanceOf(Foreign.class, run("cmy.module\nThing\n(K\u0001tR}b."));
        assertEquals("my.module.Thing", object.name);
    }

    @Test
    void bytesAfterStopAreNotLookedAt() throws CheckpointFormatException {
        assertEquals(7L, run("K\u0007.\u00ff\u00ffcos\nsystem\n."));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "os\nsystem",
                "posix\nsystem",
                "nt\nsystem",
                "subprocess\ncheck_output",
                "builtins\nexec",
                "__builtin__\neval",
                "builtins\n__import__",
                "sys\nexit",
                "importlib\nimport_module",
                "runpy\nrun_path",
                "torch\nload",
                "torch.storage\n_load_from_bytes",
                "torch.hub\nload",
                "pickle\nloads",
                "shutil\nrmtree",
                "socket\nsocket",
                "os.path\njoin",
                "types\nFunctionType",
                "torch.jit._script\nscript",
                "webbrowser\nopen",
                "my\nx.__globals__"
            })
    void namesThatRunCodeAreRefusedWhereverTheyAre(String global) {
        CheckpointFormatException error =
                assertThrows(CheckpointFormatException.class, () -> run("}c" + global + "\n0."));
        assertTrue(error.getMessage().contains(global.replace('\n', '.')), error.getMessage());
    }

    /** Each would take far more than the heap of this test if it were followed to its end. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "}",
                "}0",
                "]N\u0061",
                "}K\u0001K\u0001s0",
                ")\u0085",
                "(",
                "X\u0002\0\0\0ab0",
                "]q\u00010",
                "2",
                "\u008f0",
                "c\u0061\nb\n0",
                "ccollections\nOrderedDict\n)R0"
            })
    void floodsAreRefusedBeforeTheHeapIsFull(String unit) {
        byte[] bytes = new byte[LARGEST_PICKLE];
        byte[] pattern = unit.getBytes(StandardCharsets.ISO_8859_1);
        bytes[0] = (byte) PickleOpcode.NONE.code();
        for (int at = 1; at < bytes.length - pattern.length; at += pattern.length) {
            System.arraycopy(pattern, 0, bytes, at, pattern.length);
        }
        CheckpointFormatException error =
                assertThrows(
                        CheckpointFormatException.class,
                        () -> PickleMachine.run("test", ByteBuffer.wrap(bytes)));
        assertTrue(error.getMessage().contains("more than"), error.getMessage());
    }

    @Test
    void aMemoOfMillionsOfSlotsIsRefusedBeforeTheHeapIsFull() {
        ByteBuffer memo = ByteBuffer.allocate(LARGEST_PICKLE).order(ByteOrder.LITTLE_ENDIAN);
        memo.put((byte) 'N');
        for (int slot = 0; memo.remaining() > 5; slot++) {
            memo.put((byte) PickleOpcode.LONG_BINPUT.code()).putInt(slot);
        }
        CheckpointFormatException error =
                assertThrows(
                        CheckpointFormatException.class,
                        () -> PickleMachine.run("test", memo.flip()));
        assertTrue(error.getMessage().contains("more than"), error.getMessage());
    }
}
