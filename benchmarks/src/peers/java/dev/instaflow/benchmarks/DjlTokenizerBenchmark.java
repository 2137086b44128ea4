package dev.instaflow.benchmarks;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * The peer of {@link TokenizerBenchmark}: Hugging Face's Rust tokenizer through DJL. It does not repair
 * text as the original does, so the oracle's strings are those on which it agrees.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class DjlTokenizerBenchmark {
    private static final double LEAST_AGREEMENT = 0.75;

    private final UnseenWords words = new UnseenWords();
    private byte[] json;
    private HuggingFaceTokenizer tokenizer;
    private List<TokenizerCorpus.Case> cases;

    /**
     * Loads the tokenizer, and keeps the strings on which it is right.
     *
     * @throws IOException if the jar is damaged
     */
    @Setup
    public void open() throws IOException {
        json = TokenizerJson.clip();
        tokenizer = load();
        cases = new ArrayList<>();
        List<TokenizerCorpus.Case> all = TokenizerCorpus.cases();
        for (TokenizerCorpus.Case one : all) {
            if (Arrays.equals(ids(one.text()), one.ids())) {
                cases.add(one);
            }
        }
        int[] prompt = TokenizerCorpus.tokenizer().ids(TokenizerCorpus.PROMPT);
        String unseen = words.next();
        if (!Arrays.equals(ids(unseen), TokenizerCorpus.tokenizer().ids(unseen))) {
            throw new IllegalStateException("other ids than ours: " + unseen);
        }
        if (cases.size() < LEAST_AGREEMENT * all.size()
                || !Arrays.equals(ids(TokenizerCorpus.PROMPT), prompt)) {
            throw new IllegalStateException(
                    "only %d of %d strings have the original's ids"
                            .formatted(cases.size(), all.size()));
        }
    }

    private int[] ids(String text) {
        long[] ids = tokenizer.encode(text, false, false).getIds();
        return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
    }

    /** A prompt of ten words. */
    @Benchmark
    public long[] prompt() {
        return tokenizer.encode(TokenizerCorpus.PROMPT, false, false).getIds();
    }

    /** Ten words that were never seen before: no cache of words helps. */
    @Benchmark
    public long[] unseen() {
        return tokenizer.encode(words.next(), false, false).getIds();
    }

    /** The strings of the oracle on which it agrees. */
    @Benchmark
    public void oracle(Tokens tokens, Blackhole blackhole) {
        for (TokenizerCorpus.Case one : cases) {
            long[] ids = tokenizer.encode(one.text(), false, false).getIds();
            tokens.tokens += ids.length;
            blackhole.consume(ids);
        }
    }

    /**
     * From its one file, in memory.
     *
     * @throws IOException if the native library cannot be unpacked
     */
    @Benchmark
    public HuggingFaceTokenizer load() throws IOException {
        return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), Map.of());
    }

    /** Frees the tokenizer. */
    @TearDown
    public void close() {
        tokenizer.close();
    }
}
