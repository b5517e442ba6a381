package dev.millrace.model.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.grammar.GrammarSource.Kind;
import dev.millrace.model.grammar.automaton.GrammarException;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Regular expressions, held to {@code java.util.regex}. */
class RegexGrammarTest {

    private static final String[] ATOMS = {
        "a",
        "b",
        "c",
        "é",
        "世",
        "🙂",
        ".",
        "[ab]",
        "[^a]",
        "[b-dé-ü]",
        "\\d",
        "\\w",
        "\\s",
        "\\.",
        "[\\d-]",
        "\\u00e9",
        "\\x61"
    };
    private static final String[] COUNTS = {"*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "{0}"};
    private static final String LETTERS = "abcdé世🙂 .-0_\n";

    private final GrammarCompiler compiler = Vocabularies.demo();

    @Test
    void everyAnswerMatchesAndEveryMatchIsAllowed() {
        Random random = new Random(11);
        int drawn = 0;
        int matched = 0;
        for (int i = 0; i < 2_000; i++) {
            String pattern = pattern(random, 3);
            Pattern reference = Pattern.compile(pattern);
            Grammar grammar;
            try {
                grammar = compile(pattern);
            } catch (GrammarException e) {
                assertThat(e).hasMessage("no text fits it");
                continue;
            }
            for (int k = 0; k < 2; k++) {
                String answer = Vocabularies.sample(grammar, random);
                if (answer != null) {
                    assertThat(reference.matcher(answer).matches())
                            .as("%s of %s", answer, pattern)
                            .isTrue();
                    drawn++;
                }
            }
            for (int k = 0; k < 8; k++) {
                String text = text(random);
                boolean matches = reference.matcher(text).matches();
                matched += matches ? 1 : 0;
                assertThat(Vocabularies.allows(grammar, text))
                        .as("%s of %s", text, pattern)
                        .isEqualTo(matches);
            }
        }
        assertThat(drawn).isGreaterThan(2_000);
        assertThat(matched).isGreaterThan(300);
    }

    @Test
    void masksAreThoseOfTryingEachToken() {
        Random random = new Random(5);
        for (int i = 0; i < 60; i++) {
            GrammarState state = compile(pattern(random, 3) + "|x").start(new int[] {Vocabularies.END});
            for (int step = 0; step < 6; step++) {
                GrammarState at = state;
                int[] mask = at.mask();
                assertThat(Vocabularies.count(
                                Vocabularies.DEMO_SIZE, id -> Vocabularies.isSet(mask, id) != at.allows(id)))
                        .isZero();
                int token = random.nextInt(Vocabularies.DEMO_SIZE);
                for (int tries = 0; tries < Vocabularies.DEMO_SIZE && !mayFollow(at, token); tries++) {
                    token = (token + 1) % Vocabularies.DEMO_SIZE;
                }
                if (!mayFollow(at, token)) {
                    break;
                }
                state = at.after(token);
            }
        }
    }

    private static boolean mayFollow(GrammarState state, int token) {
        return token != Vocabularies.END && state.allows(token);
    }

    @Test
    void anchorsAtTheEndsChangeNothing() {
        Grammar grammar = compile("^(yes|no)$");
        assertThat(Vocabularies.allows(grammar, "yes")).isTrue();
        assertThat(Vocabularies.allows(grammar, "yes ")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(a)\\1",
                "(?=a)b",
                "(?<!a)b",
                "a\\b",
                "(?i)a",
                "a++",
                "[a",
                "(a",
                "a)",
                "*a",
                "a{3,1}",
                "a{,3}",
                "x^y",
                "\\p{L}",
                "[[:alpha:]]",
                "a**",
                "\\u12",
                "\\ud800",
                "[z-a]",
                "\\Q"
            })
    void whatIsNotSupportedIsRefusedWithItsPlace(String pattern) {
        assertThatThrownBy(() -> compile(pattern))
                .isInstanceOf(GrammarException.class)
                .hasMessageContaining("at line 1, column");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(a|b)*a(a|b){40}",
                "((a{100}){100}){100}",
                "a{1000000000}",
                "(){1000000000}",
                "((a?){300}){300}",
                "(.{0,9}){0,99999}",
                "(a|b|ab)*c{2147483647}"
            })
    void whatWouldTakeTooMuchIsRefused(String pattern) {
        assertThatThrownBy(() -> compile(pattern))
                .isInstanceOf(GrammarException.class)
                .hasMessageContaining("it is too");
    }

    @Test
    void deepNestsAreRefused() {
        assertThatThrownBy(() -> compile("(".repeat(100_000) + "a" + ")".repeat(100_000)))
                .isInstanceOf(GrammarException.class)
                .hasMessageContaining("nested over 200 deep");
    }

    @Test
    void specialTokensAreNeverAllowedWithinAnAnswer() {
        GrammarState state = compile("[\\s\\S]*").start(new int[] {Vocabularies.END});
        int[] mask = state.mask();
        for (int id = 0; id < Vocabularies.DEMO_SIZE; id++) {
            boolean text = !Vocabularies.DEMO.isSpecial(id) && Vocabularies.DEMO.tokenBytes(id).length > 0;
            boolean utf8 =
                    text && !Vocabularies.DEMO.decode(new int[] {id}, false).contains("\ufffd");
            if (utf8 || !text) {
                assertThat(Vocabularies.isSet(mask, id)).as("token %d", id).isEqualTo(text || id == Vocabularies.END);
            }
        }
    }

    private Grammar compile(String pattern) {
        return compiler.compile(new GrammarSource(Kind.REGEX, pattern));
    }

    private static String pattern(Random random, int depth) {
        StringBuilder pattern = new StringBuilder();
        int parts = random.nextInt(4);
        for (int i = 0; i < parts; i++) {
            String atom = depth > 0 && random.nextInt(4) == 0
                    ? (random.nextBoolean() ? "(" : "(?:") + pattern(random, depth - 1) + ")"
                    : ATOMS[random.nextInt(ATOMS.length)];
            pattern.append(atom);
            if (random.nextInt(3) == 0) {
                pattern.append(COUNTS[random.nextInt(COUNTS.length)]);
            }
        }
        return random.nextInt(4) == 0 && depth > 0 ? pattern + "|" + pattern(random, depth - 1) : pattern.toString();
    }

    private static String text(Random random) {
        int[] letters = LETTERS.codePoints().toArray();
        StringBuilder text = new StringBuilder();
        for (int length = random.nextInt(6); length > 0; length--) {
            text.appendCodePoint(letters[random.nextInt(random.nextBoolean() ? 3 : letters.length)]);
        }
        return text.toString();
    }
}
