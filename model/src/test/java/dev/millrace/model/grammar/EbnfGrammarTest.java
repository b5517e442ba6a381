package dev.millrace.model.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.model.grammar.GrammarSource.Kind;
import dev.millrace.model.grammar.automaton.GrammarException;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EbnfGrammarTest {

    /** The JSON grammar of llama.cpp's collection, {@code grammars/json.gbnf}, with XGrammar's counts. */
    private static final String JSON =
            """
            root   ::= object
            value  ::= object | array | string | number | ("true" | "false" | "null") ws
            object ::= "{" ws ( string ":" ws value ("," ws string ":" ws value)* )? "}" ws
            array  ::= "[" ws ( value ("," ws value)* )? "]" ws   # comments end with the line
            string ::= "\\"" ( [^"\\\\\\x7F\\x00-\\x1F] | "\\\\" (["\\\\/bfnrt] | "u" [0-9a-fA-F]{4}) )* "\\"" ws
            number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
            ws ::= | " " | "\\n" [ \\t]{0,20}
            """;

    private final GrammarCompiler compiler = Vocabularies.demo();

    @Test
    void answersByAGrammarOfJsonAreJson() throws JsonProcessingException {
        Grammar grammar = compile(JSON);
        Random random = new Random(2);
        int answers = 0;
        for (int i = 0; i < 300; i++) {
            String answer = Vocabularies.sample(grammar, random);
            if (answer != null) {
                assertThat(new ObjectMapper().readTree(answer).isObject())
                        .as(answer)
                        .isTrue();
                answers++;
            }
        }
        assertThat(answers).isGreaterThan(50);
        assertThat(Vocabularies.allows(grammar, "{\"a\": [1.5e3, {\"世\":\"x\\n\"}, true], \"b\":null}"))
                .isTrue();
        assertThat(Vocabularies.allows(grammar, "{\"a\": [1.5e3, ]}")).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "root ::= e` e ::= e \"+\" t | t` t ::= [0-9]+ | \"(\" e \")\"; 1+(2+33)+4; true",
                "root ::= e` e ::= e \"+\" t | t` t ::= [0-9]+ | \"(\" e \")\"; 1+(2+33+4; false",
                "root ::= \"a\" root \"b\" | \"\"; aaaabbbb; true",
                "root ::= \"a\" root \"b\" | \"\"; aaaabbb; false",
                "root ::= a b c` a ::= \"x\"?` b ::= a a` c ::= b \"y\"; xxxxy; true",
                "root ::= a b c` a ::= \"x\"?` b ::= a a` c ::= b \"y\"; xxxxxxy; false",
                "root ::= s` s ::= s s | \"a\" | \"\"; aaaaa; true",
                "root ::= \"a\" root | \"b\"; aaaaaaab; true",
                "root ::= ev` ev ::= \"a\" od | \"\"` od ::= \"a\" ev; aaaa; true",
                "root ::= ev` ev ::= \"a\" od | \"\"` od ::= \"a\" ev; aaa; false",
                "root ::= p` p ::= \"a\" p \"a\" | \"b\" p \"b\" | \"c\"; abbcbba; true",
                "root ::= p` p ::= \"a\" p \"a\" | \"b\" p \"b\" | \"c\"; abbcbab; false",
                "root ::= [^a-c\\]]+ \"\\u4e16\" [\\x41-\\x43]{2,}; dd世ABC; true",
                "root ::= (\"yes\" | \"no\") ((\",\" root))?; yes,no,yes; true",
                "root ::= x{3}` x ::= [ab] | \"<\" x \">\"; a<<b>>a; true"
            })
    void textsAreAllowedOrNot(String grammar, String text, boolean expected) {
        assertThat(Vocabularies.allows(compile(grammar.replace('`', '\n')), text))
                .isEqualTo(expected);
    }

    @Test
    void masksAreThoseOfTryingEachTokenWhateverTheStack() {
        Random random = new Random(9);
        String nested = "root ::= v\nv ::= [a-z]+ | \"(\" v (\", \" v)* \")\" | \"<\" v \"|\" v \">\" | v \"'\"\n";
        for (String source : new String[] {JSON, nested, "root ::= s\ns ::= s s | [a-f]+ | \"x\" s \"y\"\n"}) {
            Grammar grammar = compile(source);
            for (int i = 0; i < 12; i++) {
                GrammarState state = grammar.start(new int[] {Vocabularies.END});
                for (int step = 0; step < 12; step++) {
                    GrammarState at = state;
                    int[] mask = at.mask();
                    assertThat(Vocabularies.count(
                                    Vocabularies.DEMO_SIZE, id -> Vocabularies.isSet(mask, id) != at.allows(id)))
                            .isZero();
                    int[] allowed = IntStream.range(0, Vocabularies.DEMO_SIZE)
                            .filter(id -> id != Vocabularies.END && Vocabularies.isSet(mask, id))
                            .toArray();
                    if (allowed.length == 0) {
                        break;
                    }
                    state = at.after(allowed[random.nextInt(allowed.length)]);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "rot ::= \"a\"; no rule named root",
                "root ::= a; the rule a is used but not defined",
                "root ::= \"a; line 1, column",
                "root ::= [a; line 1, column",
                "root ::= (\"a\"; expected ')'",
                "root ::= (=\"a\") \"a\"; looking ahead",
                "root ::= TagDispatch(\"a\"); macros",
                "start: \"a\"; expected a rule",
                "root = \"a\"; expected a rule",
                "root ::= \"a\"` root ::= \"b\"; defined twice",
                "root ::= \"a\" root; no text fits",
                "root ::= root; no text fits",
                "root ::= x{2000000000}` x ::= \"a\" x | \"b\"; too large",
                "root ::= \"\\q\"; not supported"
            })
    void whatIsWrongIsToldWithItsPlace(String grammar, String message) {
        assertThatThrownBy(() -> compile(grammar.replace('`', '\n')))
                .isInstanceOf(GrammarException.class)
                .hasMessageContaining(message);
    }

    @Test
    void rulesThatMultiplyThemselvesAreNotWrittenOut() {
        StringBuilder grammar = new StringBuilder("root ::= r0\n");
        for (int i = 0; i < 60; i++) {
            grammar.append("r" + i + " ::= r" + (i + 1) + " r" + (i + 1) + " r" + (i + 1) + "\n");
        }
        GrammarState state = compile(grammar + "r60 ::= \"a\"\n").start(new int[] {Vocabularies.END});
        int a = Vocabularies.DEMO.encodeText("a")[0];
        for (int i = 0; i < 1_000; i++) {
            state = state.after(a);
        }
        assertThat(state.isComplete()).isFalse();
    }

    @Test
    void anAnswerThatMayBeReadInTooManyWaysIsRefusedWhenItComesToThat() {
        GrammarState start = compile("root ::= s\ns ::= s s s | \"a\" s \"b\" | \"a\" | \"\"\n")
                .start(new int[] {Vocabularies.END});
        int a = Vocabularies.DEMO.encodeText("a")[0];
        assertThatThrownBy(() -> {
                    GrammarState state = start;
                    for (int i = 0; i < 20_000; i++) {
                        state = state.after(a);
                    }
                })
                .isInstanceOf(GrammarException.class)
                .hasMessageContaining("too ambiguous");
    }

    @Test
    void longAnswersByRightRecursionStayCheap() {
        GrammarState state = compile(
                        "root ::= item rest\nrest ::= \",\" item rest | \"\"\nitem ::= \"a\" | \"[\" item \"]\"\n")
                .start(new int[] {Vocabularies.END});
        int[] tokens = Vocabularies.DEMO.encodeText(",[a]");
        state = state.after(Vocabularies.DEMO.encodeText("a")[0]);
        for (int i = 0; i < 20_000; i++) {
            for (int token : tokens) {
                state = state.after(token);
            }
        }
        assertThat(state.isComplete()).isTrue();
    }

    private Grammar compile(String grammar) {
        return compiler.compile(new GrammarSource(Kind.EBNF, grammar));
    }
}
