package dev.instaflow.train;

import dev.instaflow.backend.TrainingBackend;
import dev.instaflow.backend.cpu.CpuBackend;
import dev.instaflow.backend.cpu.CpuSettings;
import dev.instaflow.backend.reference.ReferenceBackend;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** On the CPU: by oneDNN and by plain loops. */
class OracleTrainingTest extends OracleTraining {
    @Override
    Stream<Case> cases() {
        Supplier<TrainingBackend> cpu = () -> CpuBackend.open(CpuSettings.TRAINING);
        Supplier<TrainingBackend> reference =
                () -> new ReferenceBackend(ReferenceBackend.Precision.F32);
        return Stream.of(
                unet64(Tape.Memory.KEEP, reference),
                unet64(Tape.Memory.KEEP, cpu),
                unet64(Tape.Memory.RECOMPUTE, cpu),
                tiny(Tape.Memory.KEEP, cpu),
                tiny(Tape.Memory.RECOMPUTE, cpu));
    }
}
