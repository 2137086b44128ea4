package dev.instaflow.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.instaflow.ptx.PtxFunction;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Launchers agree with the {@code .entry} that they name; {@link Emulator#run} checks each launch of every test the same way. */
class SignatureTest {
    private static final KernelLaunch LAUNCH =
            LayerNormKernel.forward(
                    new LayerNormKernel.Spec(Storage.F32, 3, 4, 1e-5f), 256, 512, 768, 1024);

    @Test
    void argumentsAreThoseOfTheEntry() {
        PtxFunction entry = Emulator.program(LAUNCH.module()).entry(LAUNCH.entry()).orElseThrow();
        Emulator.checkSignature(LAUNCH, entry);
        assertEquals(7, entry.parameters().size());
    }

    @Test
    void missingOrWronglyTypedArgumentIsSeen() {
        PtxFunction entry = Emulator.program(LAUNCH.module()).entry(LAUNCH.entry()).orElseThrow();
        List<KernelArgument> fewer = LAUNCH.arguments().subList(0, 6);
        assertThrows(AssertionError.class, () -> Emulator.checkSignature(with(fewer), entry));
        List<KernelArgument> other = new ArrayList<>(fewer);
        other.add(new KernelArgument.Int32(1));
        assertThrows(AssertionError.class, () -> Emulator.checkSignature(with(other), entry));
    }

    private static KernelLaunch with(List<KernelArgument> arguments) {
        return new KernelLaunch(
                LAUNCH.module(),
                LAUNCH.entry(),
                LAUNCH.grid(),
                LAUNCH.block(),
                LAUNCH.sharedBytes(),
                arguments);
    }
}
