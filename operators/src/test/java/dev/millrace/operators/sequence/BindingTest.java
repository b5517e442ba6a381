package dev.millrace.operators.sequence;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.grammar.Grammar;
import dev.millrace.model.grammar.GrammarCompiler;
import dev.millrace.model.grammar.GrammarSource;
import dev.millrace.model.grammar.GrammarSource.Kind;
import dev.millrace.model.tokenizer.DjlTokenizer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class BindingTest {

    private static final int END = 977;

    private final DjlTokenizer tokenizer =
            DjlTokenizer.open(Path.of(System.getProperty("millrace.root"), "models", "demo-vl", "tokenizer.json"));
    private final Grammar grammar =
            new GrammarCompiler(tokenizer, 1024).compile(new GrammarSource(Kind.REGEX, "a[bc]*d?"));
    private final Binding binding = new Binding();

    @Test
    void anAnswerEndsWhereNothingMayFollowOrWithAnEndToken() {
        begin();
        assertThat(binding.advance(token("a"))).isNull();
        assertThat(binding.isEnd(END)).isTrue();
        assertThat(binding.advance(END)).isEqualTo(FinishReason.STOP);
        assertThat(binding.advance(token("b"))).isNull();
        assertThat(binding.advance(token("d"))).isEqualTo(FinishReason.STOP);
        assertThat(binding.fault()).isNull();
    }

    @Test
    void aTokenThatDoesNotFitEndsTheAnswerWithTheReason() {
        begin();
        assertThat(binding.advance(token("b"))).isEqualTo(FinishReason.ERROR);
        assertThat(binding.fault()).contains("token " + token("b") + " does not fit");
    }

    @Test
    void draftsAreAllowedUpToTheFirstThatDoesNotFitOrEnds() {
        begin();
        int a = token("a");
        int b = token("b");
        int d = token("d");
        assertThat(binding.allowed(new int[] {a, b, b, a, b})).isEqualTo(3);
        assertThat(binding.allowed(new int[] {a, END, b})).isEqualTo(1);
        assertThat(binding.allowed(new int[] {a, d, d})).isEqualTo(2);
        assertThat(binding.allowed(new int[] {b})).isZero();
        assertThat(new Binding().allowed(new int[] {5, 6})).isEqualTo(2);
    }

    @Test
    void anAnswerThatWasBegunGoesOn() {
        binding.begin(grammar, new int[] {END}, new int[] {token("a"), token("b")});
        assertThat(binding.advance(token("c"))).isNull();
        assertThat(binding.state().isComplete()).isTrue();
    }

    private void begin() {
        binding.begin(grammar, new int[] {END}, new int[0]);
    }

    private int token(String letter) {
        return tokenizer.encodeText(letter)[0];
    }
}
