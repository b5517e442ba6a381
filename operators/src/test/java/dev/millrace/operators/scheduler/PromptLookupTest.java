package dev.millrace.operators.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.operators.kvcache.IntList;
import dev.millrace.operators.kvcache.TokenIds;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PromptLookupTest {

    @Test
    void whatFollowedTheLongestMatchIsDrafted() {
        int[] tokens = {1, 2, 3, 4, 9, 2, 3, 5, 8, 1, 2, 3};
        assertThat(draft(tokens, 1, 3, 3)).containsExactly(4, 9, 2);
        assertThat(draft(tokens, 1, 2, 3)).containsExactly(4, 9, 2);
        int[] other = {2, 3, 5, 8, 1, 2, 3, 4, 9, 1, 2, 3};
        assertThat(draft(other, 1, 2, 3)).containsExactly(5, 8, 1); // the first occurrence
        assertThat(draft(other, 1, 3, 3)).containsExactly(4, 9, 1); // the longest match
    }

    @Test
    void aMatchMayOverlapTheEndAndBringFewerTokens() {
        assertThat(draft(new int[] {7, 7, 7, 7}, 1, 3, 5)).containsExactly(7);
        assertThat(draft(new int[] {7, 7, 7, 7}, 1, 2, 5)).containsExactly(7, 7);
        assertThat(draft(new int[] {5, 6, 5}, 1, 5, 5)).containsExactly(6, 5);
    }

    @Test
    void nothingIsDraftedWithoutAMatchOfTheFewestTokens() {
        assertThat(draft(new int[] {1, 2, 3, 4}, 1, 3, 3)).isEmpty();
        assertThat(draft(new int[] {1, 2, 3, 2}, 2, 3, 3)).isEmpty();
        assertThat(draft(new int[] {1}, 1, 1, 3)).isEmpty();
        assertThat(draft(new int[] {1, 1}, 5, 5, 3)).isEmpty();
    }

    @Test
    void draftsAreThoseOfASearchFromTheLongestEndDown() {
        Random random = new Random(1);
        for (int i = 0; i < 20_000; i++) {
            int[] tokens = random.ints(1 + random.nextInt(30), 0, 3).toArray();
            int min = 1 + random.nextInt(3);
            int max = min + random.nextInt(3);
            int most = 1 + random.nextInt(5);
            assertThat(draft(tokens, min, max, most))
                    .as("%s, %d to %d, %d", Arrays.toString(tokens), min, max, most)
                    .isEqualTo(search(tokens, min, max, most));
        }
    }

    /** As vLLM's documentation tells it. */
    private static int[] search(int[] tokens, int min, int max, int most) {
        for (int n = max; n >= min; n--) {
            for (int start = 0; start + n < tokens.length; start++) {
                if (Arrays.equals(tokens, start, start + n, tokens, tokens.length - n, tokens.length)) {
                    return Arrays.copyOfRange(tokens, start + n, Math.min(tokens.length, start + n + most));
                }
            }
        }
        return new int[0];
    }

    private static int[] draft(int[] tokens, int min, int max, int most) {
        int prompt = tokens.length / 2;
        IntList output = new IntList(4);
        output.addAll(Arrays.copyOfRange(tokens, prompt, tokens.length));
        return new PromptLookup(min, max).draft(new TokenIds(Arrays.copyOf(tokens, prompt), output), most);
    }
}
