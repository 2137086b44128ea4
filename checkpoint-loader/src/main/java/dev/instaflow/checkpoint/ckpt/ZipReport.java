package dev.instaflow.checkpoint.ckpt;

import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.FileKind;
import dev.instaflow.checkpoint.FileReport;
import dev.instaflow.checkpoint.storage.MappedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Tells zips apart: models, programs, archives of something else, and files that are cut off. */
public final class ZipReport {
    private static final int LOCAL_BYTES = 30;
    private static final int MOST_PICKLE_BYTES = 32 << 20;

    private ZipReport() {}

    /**
     * Looks at the directory.
     *
     * @param file starts like a zip
     * @return never a complaint about damage within a model file, which opening it finds
     * @throws IOException if it cannot be read
     */
    public static FileReport of(MappedFile file) throws IOException {
        if (file.sizeBytes() < LOCAL_BYTES || ZipTail.find(file).isEmpty()) {
            return report(file, FileKind.TRUNCATED, cutOff(file), "fetch the file again");
        }
        boolean hasPickle = false;
        boolean hasProgram = false;
        for (ZipDirectory.Item item : ZipDirectory.read(file).items()) {
            hasPickle |= CkptReader.isPickle(item.name());
            hasProgram |= item.name().endsWith("/constants.pkl");
        }
        if (!hasPickle) {
            return report(
                    file,
                    FileKind.NOT_A_CHECKPOINT,
                    "a zip archive without data.pkl, so not a model file",
                    "if there is a model in it, unpack it first");
        }
        if (hasProgram) {
            return report(
                    file,
                    FileKind.TORCHSCRIPT,
                    "a TorchScript program",
                    "save the model's state_dict with torch.save instead");
        }
        return report(file, FileKind.CKPT_ZIP, "a zip of torch.save", "");
    }

    /** What there is of a zip without its end, and how much there should be at least. */
    static String cutOff(MappedFile file) throws IOException {
        Optional<Long> expected = expectedBytes(file);
        return "this zip has no end record within its "
                + file.sizeBytes()
                + " bytes: it is cut off (an interrupted download or copy?)"
                + expected.map(bytes -> "; its tensors alone need " + bytes + " bytes").orElse("");
    }

    /** {@code torch.save} writes data.pkl first, and that names every storage. */
    private static Optional<Long> expectedBytes(MappedFile file) throws IOException {
        if (file.sizeBytes() < LOCAL_BYTES) {
            return Optional.empty();
        }
        ByteBuffer local =
                ByteBuffer.wrap(file.bytes(0, LOCAL_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        int nameBytes = local.getShort(26) & 0xffff;
        int start = LOCAL_BYTES + nameBytes + (local.getShort(28) & 0xffff);
        boolean stored = local.getShort(8) == 0;
        if (!stored || start > file.sizeBytes()) {
            return Optional.empty();
        }
        String name = new String(file.bytes(LOCAL_BYTES, nameBytes), StandardCharsets.UTF_8);
        return CkptReader.isPickle(name) ? storageBytes(file, start) : Optional.empty();
    }

    private static Optional<Long> storageBytes(MappedFile file, int start) throws IOException {
        int head = (int) Math.min(file.sizeBytes(), MOST_PICKLE_BYTES);
        try {
            return file.withHead(
                    head,
                    bytes -> {
                        PickleMachine.Result result =
                                PickleMachine.run("data.pkl", bytes.position(start).slice());
                        long sum = 0;
                        for (PickleValue.StorageRef storage : result.storages().values()) {
                            sum = Math.addExact(sum, storage.sizeBytes());
                        }
                        return Optional.of(sum);
                    });
        } catch (CheckpointFormatException | ArithmeticException e) { // cut off inside the pickle
            return Optional.empty();
        }
    }

    private static FileReport report(MappedFile file, FileKind kind, String found, String advice) {
        return new FileReport(file.path(), kind, found, advice);
    }
}
