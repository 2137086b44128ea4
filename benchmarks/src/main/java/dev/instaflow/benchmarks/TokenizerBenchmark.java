package dev.instaflow.benchmarks;

import dev.instaflow.tokenizer.ClipTokenizer;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
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
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/** Our tokenizer on one prompt, on the whole oracle, and from its files. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class TokenizerBenchmark {
    private final UnseenWords words = new UnseenWords();
    private ClipTokenizer tokenizer;
    private List<TokenizerCorpus.Case> cases;

    /**
     * Loads the tokenizer and checks every string of the oracle.
     *
     * @throws IOException if the jar is damaged
     */
    @Setup
    public void open() throws IOException {
        tokenizer = TokenizerCorpus.tokenizer();
        cases = TokenizerCorpus.cases();
        for (TokenizerCorpus.Case one : cases) {
            int[] ids = tokenizer.ids(one.text());
            if (!Arrays.equals(ids, one.ids())) {
                throw new IllegalStateException("other ids than the original's: " + one.text());
            }
        }
    }

    /** A prompt of ten words. */
    @Benchmark
    public int[] prompt() {
        return tokenizer.ids(TokenizerCorpus.PROMPT);
    }

    /** Ten words that were never seen before: no cache of words helps. */
    @Benchmark
    public int[] unseen() {
        return tokenizer.ids(words.next());
    }

    /** All strings of the oracle, in many languages. */
    @Benchmark
    public void oracle(Tokens tokens, Blackhole blackhole) {
        for (TokenizerCorpus.Case one : cases) {
            int[] ids = tokenizer.ids(one.text());
            tokens.tokens += ids.length;
            blackhole.consume(ids);
        }
    }

    /**
     * Vocabulary and merges from their files.
     *
     * @throws IOException if the jar is damaged
     */
    @Benchmark
    public ClipTokenizer load() throws IOException {
        return TokenizerCorpus.tokenizer();
    }
}
