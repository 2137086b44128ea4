package dev.instaflow.examples.cli;

import dev.instaflow.pipeline.AddedLora;
import dev.instaflow.pipeline.ImageParameters.InputFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** LoRAs as the user gives them, and as an image remembers them: the strength stands in the role. */
final class LoraChoice {
    private static final Pattern GIVEN = Pattern.compile("(.+):([-+]?[0-9]*\\.?[0-9]+)");
    private static final Pattern ROLE = Pattern.compile("lora \\d+ of strength (\\S+)");

    private LoraChoice() {}

    static List<AddedLora> parse(List<String> given) throws IOException {
        List<AddedLora> loras = new ArrayList<>();
        for (String text : given) {
            Matcher parts = GIVEN.matcher(text);
            boolean strength = parts.matches() && !Files.exists(Path.of(text));
            Path file = Path.of(strength ? parts.group(1) : text);
            if (!Files.exists(file)) {
                throw new NoSuchFileException(file.toString());
            }
            loras.add(new AddedLora(file, strength ? Float.parseFloat(parts.group(2)) : 1));
        }
        return loras;
    }

    static List<AddedLora> recorded(Map<String, InputFile> inputs) {
        List<AddedLora> loras = new ArrayList<>();
        inputs.forEach(
                (role, file) -> {
                    Matcher parts = ROLE.matcher(role);
                    if (parts.matches()) {
                        float strength = Float.parseFloat(parts.group(1));
                        loras.add(new AddedLora(Path.of(file.path()), strength));
                    }
                });
        return loras;
    }

    static Map<String, InputFile> inputs(List<AddedLora> loras) throws IOException {
        Map<String, InputFile> inputs = new LinkedHashMap<>();
        for (AddedLora lora : loras) {
            String role = "lora %d of strength %s".formatted(inputs.size() + 1, lora.strength());
            inputs.put(role, InputFiles.hashed(lora.file()));
        }
        return inputs;
    }
}
