package dev.instaflow.checkpoint.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.instaflow.checkpoint.Checkpoint;
import dev.instaflow.checkpoint.CheckpointFormat;
import dev.instaflow.checkpoint.CheckpointFormatException;
import dev.instaflow.checkpoint.DType;
import dev.instaflow.checkpoint.Entry;
import dev.instaflow.checkpoint.Fixtures;
import dev.instaflow.checkpoint.Sha256;
import dev.instaflow.checkpoint.ckpt.CkptWriter;
import dev.instaflow.checkpoint.layout.FakeCheckpoint;
import dev.instaflow.checkpoint.layout.IgnorableKeys;
import dev.instaflow.checkpoint.layout.WeightSet;
import dev.instaflow.checkpoint.safetensors.SafetensorsWriter;
import dev.instaflow.checkpoint.storage.HeapEntry;
import dev.instaflow.checkpoint.storage.RenamedEntry;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConverterTest {
    private static final Path TINY = Fixtures.path("tiny-fp16.ckpt");
    private static final Path UNET64 = Fixtures.path("unet64-fp16.ckpt");
    private static final NetworkSettings SETTINGS = new NetworkSettings(8, 4, 32, 32, 0.18215);
    private static final String TOKEN_WEIGHT =
            "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight";

    @TempDir private Path folder;

    /** The golden checksums are of the files that diffusers' own converter wrote. */
    @Test
    void aDiffusersFolderHoldsWhatTheOriginalConverterWrites() throws IOException {
        Path output = diffusers(TINY, "tiny");
        Map<String, String> sums = new TreeMap<>();
        try (Checkpoint written = Checkpoint.open(output)) {
            assertEquals(CheckpointFormat.DIFFUSERS, written.format());
            for (Entry entry : written.entries()) {
                sums.put(entry.name(), Sha256.of(entry) + entry.dtype() + entry.shape());
            }
        }
        Map<String, String> golden = new TreeMap<>();
        Map<String, String> checksums = FakeCheckpoint.checksums("tiny-diffusers.json");
        for (Entry entry : FakeCheckpoint.fixture("tiny-diffusers.json").entries()) {
            String sum = checksums.get(entry.name());
            golden.put(entry.name(), sum + entry.dtype() + entry.shape());
        }
        assertEquals(golden, sums);
    }

    @Test
    void theWayThroughAllLayoutsChangesNoBit() throws IOException {
        Path diffusers = diffusers(TINY, "d");
        Path safetensors = folder.resolve("s.safetensors");
        Path ckpt = folder.resolve("c.ckpt");
        Converter.convert(Conversion.of(diffusers, safetensors));
        Converter.convert(Conversion.of(safetensors, ckpt));
        Map<String, String> before = Sha256.contents(TINY);
        before.keySet().removeIf(IgnorableKeys::isScheduleBuffer);
        assertEquals(before, Sha256.contents(ckpt));
        assertEquals(before, Sha256.contents(safetensors));
        assertEquals(917, before.size());
    }

    @Test
    void halfWidenedAndNarrowedAgainIsTheSame() throws IOException {
        Path wide = folder.resolve("wide.safetensors");
        Path narrow = folder.resolve("narrow.ckpt");
        Converter.convert(Conversion.of(UNET64, wide).withDtype(DType.F32));
        try (Checkpoint written = Checkpoint.open(wide)) {
            assertTrue(written.entries().stream().allMatch(e -> e.dtype() == DType.F32));
        }
        Converter.convert(Conversion.of(wide, narrow).withDtype(DType.F16));
        assertEquals(Sha256.contents(UNET64), Sha256.contents(narrow));
    }

    @Test
    void integersStayIntegersAndPositionsBecomeThem() throws IOException {
        String ids = "cond_stage_model.transformer.text_model.embeddings.position_ids";
        Path brain = folder.resolve("brain.safetensors");
        Converter.convert(Conversion.of(TINY, brain).withDtype(DType.BF16));
        try (Checkpoint written = Checkpoint.open(brain)) {
            assertEquals(DType.I64, written.find(ids).orElseThrow().dtype());
            assertEquals(DType.BF16, written.find(TOKEN_WEIGHT).orElseThrow().dtype());
        }
        float[] positions = new float[77];
        for (int i = 0; i < positions.length; i++) {
            positions[i] = i;
        }
        Path pruned =
                altered(
                        entry ->
                                entry.name().equals(ids)
                                        ? HeapEntry.ofFloats(ids, entry.shape(), positions)
                                        : entry);
        Path output = folder.resolve("fixed.ckpt");
        Converter.convert(Conversion.of(pruned, output));
        assertEquals(Sha256.contents(TINY).get(ids), Sha256.contents(output).get(ids));
    }

    @Test
    void oneNetworkBecomesAFolderOfOneNetwork() throws IOException {
        Path output = diffusers(UNET64, "unet64");
        assertTrue(Files.exists(output.resolve("unet/config.json")));
        assertFalse(Files.exists(output.resolve("vae")));
        Path back = folder.resolve("back.ckpt");
        Converter.convert(Conversion.of(output.resolve("unet"), back));
        assertEquals(Sha256.contents(UNET64), Sha256.contents(back));
    }

    @Test
    void configurationAndTokenizerComeAlong() throws IOException {
        Path first = diffusers(TINY, "first");
        Files.createDirectory(first.resolve("tokenizer"));
        Files.writeString(first.resolve("tokenizer/vocab.json"), "{\"a\":0}");
        Path unetConfig = first.resolve("unet/config.json");
        Files.writeString(
                unetConfig,
                Files.readString(unetConfig).replace("\"freq_shift\" : 0", "\"own\":1"));
        Path second = folder.resolve("second");
        ConversionResult result = Converter.convert(Conversion.of(first, second));
        assertEquals(List.of(), result.notes());
        assertEquals(-1, Files.mismatch(unetConfig, second.resolve("unet/config.json")));
        assertTrue(Files.readString(unetConfig).contains("\"own\":1"));
        assertTrue(Files.exists(second.resolve("tokenizer/vocab.json")));
    }

    @Test
    void theResultCountsAndExplains() throws IOException {
        ConversionResult result =
                Converter.convert(Conversion.of(TINY, folder.resolve("r")).withSettings(SETTINGS));
        assertEquals(Target.DIFFUSERS, result.target());
        assertEquals(917, result.tensors());
        assertEquals(
                List.of(
                        "left out: 12 buffers and other tensors that no network needs",
                        "no tokenizer: the input has none; copy one into tokenizer/"),
                result.notes());
    }

    @Test
    void averagedWeightsAreTakenOnRequest() throws IOException {
        String name = "model.diffusion_model.out.2.bias";
        List<Entry> entries = new ArrayList<>();
        Path trained = folder.resolve("trained.ckpt");
        try (Checkpoint unet = Checkpoint.open(UNET64)) {
            for (Entry entry : unet.entries()) {
                entries.add(entry);
                String ema = "model_ema." + entry.name().substring(6).replace(".", "");
                entries.add(
                        entry.name().equals(name)
                                ? HeapEntry.ofFloats(ema, entry.shape(), 1, 2, 3, 4)
                                : RenamedEntry.of(entry, ema));
            }
            CkptWriter.write(trained, entries, Map.of("global_step", 7L));
        }
        Path averaged = folder.resolve("averaged.ckpt");
        Converter.convert(Conversion.of(trained, averaged).withWeights(WeightSet.EMA));
        assertEquals(Sha256.contents(UNET64).keySet(), Sha256.contents(averaged).keySet());
        try (Checkpoint written = Checkpoint.open(averaged)) {
            float[] values = new float[4];
            written.find(name).orElseThrow().readFloats(0, values, 0, 4);
            assertEquals(3, values[2]);
            assertEquals(7L, ((Number) written.metadata().get("global_step")).longValue());
        }
        Path plain = folder.resolve("plain.ckpt");
        ConversionResult result = Converter.convert(Conversion.of(trained, plain));
        assertEquals(Sha256.contents(UNET64), Sha256.contents(plain));
        assertEquals(List.of("left out: 168 EMA tensors (model_ema.*)"), result.notes());

        Path none = folder.resolve("none.ckpt");
        refused(Conversion.of(UNET64, none).withWeights(WeightSet.EMA), "all of the 168");
        assertFalse(Files.exists(none));
    }

    @Test
    void whatIsThereStaysUnlessAskedFor() throws IOException {
        Path file = Files.writeString(folder.resolve("mine.ckpt"), "mine");
        Conversion conversion = Conversion.of(UNET64, file);
        assertThrows(FileAlreadyExistsException.class, () -> Converter.convert(conversion));
        assertEquals("mine", Files.readString(file));
        Converter.convert(conversion.withOverwrite(Overwrite.REPLACE));
        assertEquals(Sha256.contents(UNET64), Sha256.contents(file));

        Conversion itself = Conversion.of(file, file).withOverwrite(Overwrite.REPLACE);
        assertThrows(FileAlreadyExistsException.class, () -> Converter.convert(itself));
    }

    @Test
    void aModelFolderIsReplacedWholeAndOthersNever() throws IOException {
        Path output = diffusers(TINY, "model");
        Path stale = Files.writeString(output.resolve("stale.txt"), "old");
        Conversion again = Conversion.of(UNET64, output);
        assertThrows(FileAlreadyExistsException.class, () -> Converter.convert(again));
        Converter.convert(again.withOverwrite(Overwrite.REPLACE));
        assertFalse(Files.exists(stale));
        assertFalse(Files.exists(output.resolve("vae")));

        Conversion within =
                Conversion.of(output.resolve("unet"), output).withOverwrite(Overwrite.REPLACE);
        assertThrows(FileAlreadyExistsException.class, () -> Converter.convert(within));
        assertTrue(Files.exists(output.resolve("unet")));

        Path photos = Files.createDirectory(folder.resolve("photos"));
        Files.writeString(photos.resolve("cat.png"), "meow");
        Conversion wrong = Conversion.of(UNET64, photos).withOverwrite(Overwrite.REPLACE);
        assertThrows(FileAlreadyExistsException.class, () -> Converter.convert(wrong));
        assertTrue(Files.exists(photos.resolve("cat.png")));
        Conversion file =
                Conversion.of(UNET64, photos, Target.CKPT).withOverwrite(Overwrite.REPLACE);
        assertThrows(FileAlreadyExistsException.class, () -> Converter.convert(file));
        assertNothingLeftOver();
    }

    @Test
    void anIncompleteModelIsNotConverted() throws IOException {
        String lost = "first_stage_model.decoder.up.1.block.0.conv1.weight";
        Path broken = altered(entry -> entry.name().equals(lost) ? null : entry);
        for (String name : List.of("out.safetensors", "out")) {
            Conversion conversion =
                    Conversion.of(broken, folder.resolve(name)).withSettings(SETTINGS);
            refused(conversion, "1 of 916 missing");
            assertFalse(Files.exists(conversion.output()));
        }
        Path hopeless = altered(entry -> entry.name().contains("decoder.conv_in") ? null : entry);
        refused(Conversion.of(hopeless, folder.resolve("o.ckpt")), "the vae is so incomplete");
        assertNothingLeftOver();
    }

    @Test
    void strangersStayInFilesAndAreRefusedInFolders() throws IOException {
        Path extra =
                altered(
                        entry ->
                                entry.name().equals("betas")
                                        ? HeapEntry.ofFloats("colour.weight", List.of(1L), 1)
                                        : entry);
        Path file = folder.resolve("f.safetensors");
        Converter.convert(Conversion.of(extra, file));
        assertTrue(Sha256.contents(file).containsKey("colour.weight"));
        Conversion conversion = Conversion.of(extra, folder.resolve("d")).withSettings(SETTINGS);
        refused(conversion, "unexpected:\n  colour.weight (1)");
        assertFalse(Files.exists(conversion.output()));
    }

    @Test
    void filesOfNoKnownModelMayChangeTheirContainer() throws IOException {
        Path lora = folder.resolve("lora.safetensors");
        SafetensorsWriter.write(
                lora,
                List.of(HeapEntry.ofFloats("lora_unet_x.lora_up.weight", List.of(2L, 1L), 1, 2)),
                Map.of());
        Path ckpt = folder.resolve("lora.ckpt");
        Converter.convert(Conversion.of(lora, ckpt).withDtype(DType.F16));
        assertEquals("[lora_unet_x.lora_up.weight]", Sha256.contents(ckpt).keySet().toString());
        refused(Conversion.of(lora, folder.resolve("lora")), "a LoRA");
    }

    @Test
    void aValueBeyondTheRangeIsRefusedAndNothingIsLeft() throws IOException {
        String name = "model.diffusion_model.out.2.bias";
        Path large = folder.resolve("large.ckpt");
        List<Entry> entries = new ArrayList<>();
        try (Checkpoint unet = Checkpoint.open(UNET64)) {
            for (Entry entry : unet.entries()) {
                entries.add(
                        entry.name().equals(name)
                                ? HeapEntry.ofFloats(name, entry.shape(), 0, 0, 70000, 0)
                                : entry);
            }
            CkptWriter.write(large, entries, Map.of());
        }
        for (String output : List.of("half.ckpt", "half.safetensors", "half")) {
            refused(Conversion.of(large, folder.resolve(output)).withDtype(DType.F16), "70000");
            assertFalse(Files.exists(folder.resolve(output)));
        }
        assertNothingLeftOver();
    }

    @Test
    void targetsAreToldByTheEnding() {
        assertEquals(Target.CKPT, Target.of(Path.of("a/B.CKPT")));
        assertEquals(Target.SAFETENSORS, Target.of(Path.of("b.safetensors")));
        assertEquals(Target.DIFFUSERS, Target.of(Path.of("sd-v1.5")));
        assertEquals(Target.DIFFUSERS, Target.of(Path.of("sd-v1.5-emaonly")));
        assertThrows(IllegalArgumentException.class, () -> Target.of(Path.of("model.onnx")));
        assertThrows(
                IllegalArgumentException.class,
                () -> Conversion.of(TINY, Path.of("x.ckpt")).withDtype(DType.F64));
    }

    private Path diffusers(Path input, String name) throws IOException {
        Path output = folder.resolve(name);
        Converter.convert(Conversion.of(input, output).withSettings(SETTINGS));
        return output;
    }

    /** The tiny model with some tensors replaced, or left out where the change says null. */
    private Path altered(UnaryOperator<Entry> change) throws IOException {
        Path file = Files.createTempFile(folder, "altered", ".ckpt");
        try (Checkpoint tiny = Checkpoint.open(TINY)) {
            List<Entry> entries = new ArrayList<>();
            for (Entry entry : tiny.entries()) {
                Entry changed = change.apply(entry);
                if (changed != null) {
                    entries.add(changed);
                }
            }
            CkptWriter.write(file, entries, Map.of());
        }
        return file;
    }

    private static void refused(Conversion conversion, String expected) {
        String message =
                assertThrows(CheckpointFormatException.class, () -> Converter.convert(conversion))
                        .getMessage();
        assertTrue(message.contains(expected), message);
    }

    private void assertNothingLeftOver() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(
                    List.of(),
                    files.filter(f -> f.getFileName().toString().startsWith(".")).toList());
        }
    }
}
