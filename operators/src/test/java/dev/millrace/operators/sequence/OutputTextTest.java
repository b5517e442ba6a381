package dev.millrace.operators.sequence;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.model.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OutputTextTest {

    @Test
    void aStopTextAcrossTokensEndsTheAnswerBeforeIt() {
        Run run = run(List.of("lo, w"), false, 0, "Hel", "lo", ", ", "world", "never");
        assertThat(run.pieces).containsExactly("", "H", "el", "");
        assertThat(run.text.stop()).isEqualTo("lo, w");
    }

    @Test
    void theStopTextStaysWhereItIsAskedFor() {
        Run run = run(List.of("lo, w"), true, 0, "Hel", "lo", ", ", "world", "never");
        assertThat(run.pieces).containsExactly("Hel", "lo", ", ", "w");
    }

    @Test
    void whatWasHeldBackComesWithTheLastToken() {
        Run run = run(List.of("12345"), false, 0, "ab", "cd", "e", "f12");
        assertThat(run.pieces).containsExactly("", "", "a", "bcdef12");
        assertThat(run.text.stop()).isNull();
    }

    @Test
    void theStopTextThatIsCompleteFirstCountsAndOfTwoTheFirstGiven() {
        Run run = run(List.of("yz", "x"), false, 0, "a", "bxyz");
        assertThat(run.text.stop()).isEqualTo("x");
        assertThat(String.join("", run.pieces)).isEqualTo("ab");
        assertThat(run(List.of("\n", "}\n"), false, 0, "a}\n").text.stop()).isEqualTo("\n");
        assertThat(run(List.of("}\n", "\n"), false, 0, "a}\n").text.stop()).isEqualTo("}\n");
        assertThat(run(List.of("bcd", "c"), false, 0, "abcd").text.stop()).isEqualTo("c");
    }

    @Test
    void aStopTextBeforeTheFewestTokensIsPassedOver() {
        Run run = run(List.of("b"), false, 2, "a", "b", "c", "b", "d");
        assertThat(String.join("", run.pieces)).isEqualTo("abc");
        assertThat(run.pieces).hasSize(4);
    }

    @Test
    void aStopTextThatBeganBeforeTheFewestTokensIsFound() {
        Run run = run(List.of("bc"), false, 2, "a", "b", "cd");
        assertThat(String.join("", run.pieces)).isEqualTo("a");
    }

    @Test
    void aPieceNeverEndsWithinACharacter() {
        byte[] smile = "😀".getBytes(StandardCharsets.UTF_8);
        OutputText text = new OutputText(new Pieces(smile), params(List.of("zz"), false, 0), 0);
        List<String> pieces = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            text.append(i % 4); // two smiles, a byte a token
            pieces.add(text.take(i == 7));
        }
        assertThat(pieces).containsExactly("", "", "", "", "", "", "", "😀😀");
    }

    @Test
    void halfACharacterAtTheEndIsShownAsLost() {
        byte[] smile = "😀".getBytes(StandardCharsets.UTF_8);
        OutputText text = new OutputText(new Pieces(smile), params(List.of(), false, 0), 0);
        text.append(0);
        assertThat(text.take(true)).isEqualTo("\uFFFD");
    }

    @Test
    void aRestoredAnswerContinuesWhereTheEmittedOneStood() {
        String[] tokens = {"Hel", "lo", ", ", "world", "!", "", "end"};
        List<String> whole = run(List.of("?????"), false, 0, tokens).pieces;
        for (int restart = 0; restart < tokens.length; restart++) {
            String emitted = String.join("", whole.subList(0, restart));
            OutputText text = new OutputText(new Pieces(tokens), params(List.of("?????"), false, 0), emitted.length());
            for (int i = 0; i < restart; i++) {
                text.append(i);
            }
            for (int i = restart; i < tokens.length; i++) {
                text.append(i);
                assertThat(text.take(i == tokens.length - 1)).isEqualTo(whole.get(i));
            }
        }
    }

    @Test
    void whereAnAnswerStopsHangsOnItsTextAndNotOnItsTokens() {
        Random random = new Random(5);
        for (int i = 0; i < 500; i++) {
            boolean includeStop = random.nextBoolean();
            List<String> stops = List.of(letters(random, 5), letters(random, 9));
            String[] tokens = random.ints(60, 0, i % 2 == 0 ? 4 : 20)
                    .mapToObj(length -> letters(random, length))
                    .toArray(String[]::new);
            Run run = run(stops, includeStop, 0, tokens);
            assertThat(String.join("", run.pieces)).isEqualTo(cut(stops, includeStop, tokens));
        }
    }

    private static String letters(Random random, int length) {
        return random.ints(length, 'a', 'c')
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, (a, b) -> {})
                .toString();
    }

    /** The tokens' text up to the stop text that is complete first, a character after the other. */
    private static String cut(List<String> stops, boolean includeStop, String... tokens) {
        String all = String.join("", tokens);
        for (int end = 1; end <= all.length(); end++) {
            String text = all.substring(0, end);
            var stop = stops.stream().filter(text::endsWith).findFirst();
            if (stop.isPresent()) {
                return includeStop ? text : text.substring(0, end - stop.get().length());
            }
        }
        return all;
    }

    private static Run run(List<String> stop, boolean includeStop, int minTokens, String... tokens) {
        OutputText text = new OutputText(new Pieces(tokens), params(stop, includeStop, minTokens), 0);
        List<String> pieces = new ArrayList<>();
        for (int i = 0; i < tokens.length && text.stop() == null; i++) {
            text.append(i);
            pieces.add(text.take(text.stop() != null || i == tokens.length - 1));
        }
        return new Run(text, pieces);
    }

    private record Run(OutputText text, List<String> pieces) {}

    private static GenerationParams params(List<String> stop, boolean includeStop, int minTokens) {
        SamplingParams sampling = SamplingParams.builder().minTokens(minTokens).build();
        return GenerationParams.builder(sampling, 100)
                .stop(stop)
                .includeStop(includeStop)
                .build();
    }

    /** Token i is the i-th text, or the i-th byte. */
    private static final class Pieces implements Tokenizer {
        private final byte[][] tokens;

        Pieces(String... texts) {
            tokens = new byte[texts.length][];
            for (int i = 0; i < texts.length; i++) {
                tokens[i] = texts[i].getBytes(StandardCharsets.UTF_8);
            }
        }

        Pieces(byte[] bytes) {
            tokens = new byte[bytes.length][];
            for (int i = 0; i < bytes.length; i++) {
                tokens[i] = new byte[] {bytes[i]};
            }
        }

        @Override
        public byte[] tokenBytes(int id) {
            return tokens[id];
        }

        @Override
        public int[] encode(String text) {
            throw new UnsupportedOperationException("only decodes");
        }

        @Override
        public int[] encodeText(String text) {
            throw new UnsupportedOperationException("only decodes");
        }

        @Override
        public String decode(int[] ids, boolean skipSpecialTokens) {
            throw new UnsupportedOperationException("decodes bytes only");
        }

        @Override
        public int specialTokenId(String token) {
            return -1;
        }

        @Override
        public boolean isSpecial(int id) {
            return false;
        }

        @Override
        public int vocabSize() {
            return tokens.length;
        }
    }
}
