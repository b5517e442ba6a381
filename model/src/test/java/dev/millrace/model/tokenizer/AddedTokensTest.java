package dev.millrace.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class AddedTokensTest {

    private final AddedTokens tokens = new AddedTokens(
            List.of(new AddedToken(1, "<a>", true), new AddedToken(2, "<a>+", true), new AddedToken(3, "a>+.", true)));

    @Test
    void theLeftmostTokenIsFoundAndOfThoseTheLongest() {
        assertThat(cut("x<a>+.<a>y<aa>+.")).containsExactly("x", "2", ".", "1", "y<a", "3");
    }

    @Test
    void aTextWithoutTokensIsOnePart() {
        assertThat(cut("x")).containsExactly("x");
        assertThat(cut("")).isEmpty();
        assertThat(new AddedTokens(List.of()).split("<a>")).hasSize(1);
    }

    private List<String> cut(String text) {
        return tokens.split(text).stream()
                .map(part -> part.token() == null
                        ? part.text()
                        : String.valueOf(part.token().id()))
                .toList();
    }
}
