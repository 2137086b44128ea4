package dev.instaflow.train.evaluate.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.instaflow.train.data.EmojiRow.Split;
import dev.instaflow.train.evaluate.CaptionScores;
import dev.instaflow.train.evaluate.EvaluationResult;
import dev.instaflow.train.evaluate.Gallery;
import dev.instaflow.train.evaluate.Gallery.Subject;
import dev.instaflow.train.evaluate.GapScores;
import dev.instaflow.train.evaluate.ModelResult;
import dev.instaflow.train.evaluate.SampleScores;
import dev.instaflow.train.evaluate.SplitScores;
import dev.instaflow.train.evaluate.metric.Distribution;
import java.util.Locale;

/** Every number of an evaluation. What was not measured is not there, rather than null. */
final class JsonReport {
    private final ObjectMapper mapper = new ObjectMapper();
    private final EvaluationResult result;
    private final Gallery gallery;

    JsonReport(EvaluationResult result) {
        this.result = result;
        this.gallery = result.gallery();
    }

    JsonNode root() {
        ObjectNode root = mapper.createObjectNode();
        root.put("device", result.device());
        root.set("settings", settings());
        ArrayNode styles = root.putArray("collections");
        gallery.styles().forEach(style -> styles.add(mapper.valueToTree(style)));
        root.put("pictures", gallery.items().size());
        root.put("emoji", gallery.subjects().stream().mapToInt(Subject::group).distinct().count());
        ArrayNode captions = root.putArray("captions");
        for (int index : result.asked()) {
            Subject subject = gallery.subjects().get(index);
            captions.addObject()
                    .put("caption", subject.caption())
                    .put("hexcode", subject.hexcode())
                    .put("split", name(subject.split()));
        }
        ArrayNode models = root.putArray("models");
        result.models().forEach(model -> models.add(model(model)));
        return root;
    }

    private JsonNode settings() {
        ObjectNode settings = mapper.createObjectNode();
        settings.put("captions", result.asked().size());
        result.settings().captions().most().ifPresent(most -> settings.put("everyNthUpTo", most));
        settings.put("namedCaptions", result.settings().captions().names().isPresent());
        settings.put("firstSeed", 0);
        settings.put("seeds", result.settings().seeds());
        settings.put("noiseSource", "torch-cpu");
        settings.put("gapSteps", result.settings().gapSteps());
        settings.put("gapCaptions", result.settings().gapCaptions());
        return settings;
    }

    static String name(Split split) {
        return split == Split.TRAIN ? "training" : "held-out";
    }

    private JsonNode model(ModelResult model) {
        ObjectNode node = mapper.createObjectNode();
        node.put("name", model.name());
        node.set("identity", mapper.valueToTree(model.identity()));
        node.put("sha256", model.sha256());
        node.put("weights", model.weights().name().toLowerCase(Locale.ROOT));
        node.set("asked", mapper.valueToTree(model.asked()));
        ObjectNode splits = node.putObject("splits");
        model.splits().forEach((split, scores) -> splits.set(name(split), split(scores)));
        model.gap().ifPresent(gap -> node.set("gap", gap(gap)));
        node.set("timing", mapper.valueToTree(model.timing()));
        ArrayNode captions = node.putArray("byCaption");
        model.captions().forEach(caption -> captions.add(caption(caption)));
        return node;
    }

    private JsonNode split(SplitScores scores) {
        ObjectNode node = mapper.createObjectNode();
        node.put("captions", scores.captions());
        node.put("samples", scores.samples());
        node.set("retrieval", mapper.valueToTree(scores.found()));
        node.put("shareFrom20Decibels", scores.shareFrom20());
        node.set("psnrOnWhite", of(scores.psnrOnWhite()));
        node.set("psnrRgba", of(scores.psnrRgba()));
        node.set("alphaIou", of(scores.alphaIou()));
        node.set("borderTransparency", of(scores.border()));
        node.set("borderTransparencyOfTruth", of(scores.borderOfTruth()));
        node.set("diversity", of(scores.diversity()));
        node.set("sharpness", of(scores.sharpness()));
        scores.styles().ifPresent(styles -> node.set("styles", mapper.valueToTree(styles)));
        scores.novelty().ifPresent(novelty -> node.set("novelty", mapper.valueToTree(novelty)));
        return node;
    }

    private JsonNode of(Distribution distribution) {
        return mapper.valueToTree(distribution);
    }

    private JsonNode gap(GapScores gap) {
        ObjectNode node = mapper.createObjectNode();
        node.put("captions", gap.captions());
        node.put("samples", gap.samples());
        node.put("steps", gap.steps());
        node.put("forced", gap.forced());
        node.set("latentRms", of(gap.latent()));
        node.set("pixelRms", of(gap.pixel()));
        gap.straightness().ifPresent(s -> node.set("straightness", mapper.valueToTree(s)));
        return node;
    }

    private JsonNode caption(CaptionScores caption) {
        ObjectNode node = mapper.createObjectNode();
        node.put("caption", gallery.subjects().get(caption.subject()).caption());
        node.put("diversity", caption.diversity());
        ArrayNode ranks = node.putArray("ranks");
        ArrayNode nearest = node.putArray("nearest");
        ArrayNode psnr = node.putArray("psnrOnWhite");
        for (SampleScores sample : caption.samples()) {
            ranks.add(mapper.valueToTree(sample.ranks()));
            nearest.add(item(sample.nearest()));
            psnr.add(sample.psnrOnWhite());
        }
        boolean heldOut = gallery.subjects().get(caption.subject()).split() == Split.VALID;
        if (heldOut && caption.samples().get(0).training().isPresent()) {
            ArrayNode training = node.putArray("nearestTraining");
            for (SampleScores sample : caption.samples()) {
                SampleScores.Neighbour neighbour = sample.training().orElseThrow();
                training.addObject()
                        .put("picture", item(neighbour.item()))
                        .put("rms", neighbour.distance());
            }
        }
        return node;
    }

    /** As {@code noto: красное сердце}. */
    private String item(int index) {
        Gallery.Item item = gallery.items().get(index);
        return gallery.styles().get(item.style()).name()
                + ": "
                + gallery.subjects().get(item.subject()).caption();
    }
}
