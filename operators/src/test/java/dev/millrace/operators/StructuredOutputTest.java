package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion.VersionFlag;
import dev.millrace.cpu.CpuExecutorFactory;
import dev.millrace.model.tokenizer.DjlTokenizer;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.SamplingOptions;
import dev.millrace.schemas.StructuredOutputs;
import dev.millrace.schemas.TokenEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Answers that are bound to a grammar, by the trained demonstration model, which would say something else. */
@Timeout(120)
class StructuredOutputTest {

    private static final String SCHEMA =
            """
            {"type": "object", "properties": {
                "colour": {"enum": ["red", "grün", "blue"]},
                "size": {"type": "integer", "minimum": 1, "maximum": 99},
                "words": {"type": "array", "items": {"type": "string", "maxLength": 6}, "maxItems": 3}},
             "required": ["colour", "size", "words"]}
            """;

    @Test
    void answersLookAsTheyMust() throws Exception {
        try (var operator = OperatorFixture.open(new CpuExecutorFactory(), null)) {
            operator.send(request("schema", outputs -> outputs.setJson(SCHEMA), options -> {
                options.setN(3);
                options.setLogitBias(noSpace());
            }));
            operator.send(request("greedy", outputs -> outputs.setJson(SCHEMA), options -> {
                options.setLogitBias(noSpace());
                options.setTemperature(0.0);
                options.setIgnoreEos(true);
            }));
            operator.send(request("regex", outputs -> outputs.setRegex("[a-c]{3}-\\d\\d"), options -> {}));
            operator.send(
                    request("choice", outputs -> outputs.setChoice(List.of("left", "right", "左")), options -> {}));
            operator.send(request(
                    "ebnf",
                    outputs -> outputs.setGrammar("root ::= \"(\" root \")\" | [0-9]"),
                    options -> options.setRepetitionPenalty(1.3)));
            String[] ids = {"schema", "greedy", "regex", "choice", "ebnf"};
            Answers answers = operator.runToEnd(ids).answers();
            for (String id : List.of("schema", "schema#1", "schema#2", "greedy")) {
                assertValid(answers.text(id));
            }
            assertThat(answers.text("regex")).matches("[a-c]{3}-\\d\\d");
            assertThat(answers.text("choice")).isIn("left", "right", "左");
            assertThat(answers.text("ebnf")).matches("\\(*[0-9]\\)*");
            for (String id : ids) {
                assertThat(answers.last(id).getFinishReason()).as(id).isEqualTo(FinishReason.STOP);
            }
        }
    }

    @Test
    void anObjectThatIsCutShortEndsByLength() throws Exception {
        try (var operator = OperatorFixture.open(new CpuExecutorFactory(), null)) {
            operator.send(request("cut", outputs -> outputs.setJsonObject(true), options -> options.setMaxTokens(3)));
            Answers answers = operator.runToEnd("cut").answers();
            assertThat(answers.text("cut")).startsWith("{");
            assertThat(answers.last("cut").getFinishReason()).isEqualTo(FinishReason.LENGTH);
            assertThat(answers.tokens("cut")).hasSize(3);
        }
    }

    @Test
    void whatElseIsAskedGivesWayWhereItLeavesNoToken() throws Exception {
        try (var operator = OperatorFixture.open(new CpuExecutorFactory(), null)) {
            Consumer<StructuredOutputs> yes = outputs -> outputs.setRegex("yes|no");
            operator.send(request("minimum", yes, options -> options.setMinTokens(40)));
            operator.send(request("banned", yes, options -> options.setBadWords(List.of("yes", "y", "ye"))));
            operator.send(request("only", yes, options -> options.setAllowedTokenIds(List.of(0))));
            operator.send(request("biased", yes, options -> options.setStop(List.of("o"))));
            Answers answers =
                    operator.runToEnd("minimum", "banned", "only", "biased").answers();
            assertThat(answers.text("minimum")).isIn("yes", "no");
            assertThat(answers.text("banned")).isEqualTo("no");
            assertThat(answers.text("only")).isIn("yes", "no");
            assertThat(answers.text("biased")).isIn("yes", "n");
        }
    }

    @Test
    void aCheckpointInTheMiddleOfADocumentContinuesWithTheSameWords() throws Exception {
        Answers undisturbed;
        try (var operator = OperatorFixture.open(new CpuExecutorFactory(), null)) {
            operator.send(request("schema", outputs -> outputs.setJson(SCHEMA), options -> options.setN(3)));
            undisturbed = operator.runToEnd("schema").answers();
        }
        for (int tokens : new int[] {1, 9}) {
            List<TokenEvent> committed;
            OperatorSubtaskState state;
            try (var operator = OperatorFixture.open(new CpuExecutorFactory(), null)) {
                operator.send(request("schema", outputs -> outputs.setJson(SCHEMA), options -> options.setN(3)));
                operator.runUntil(() -> operator.answers().tokens("schema").size() >= tokens);
                state = operator.snapshot();
                committed = new ArrayList<>(operator.events());
            }
            try (var operator = OperatorFixture.open(new CpuExecutorFactory(), state)) {
                operator.runUntil(() -> operator.queued() == 0);
                committed.addAll(operator.events());
            }
            Answers continued = Answers.of(committed);
            assertThat(continued.texts()).hasSize(3).isEqualTo(undisturbed.texts());
        }
    }

    @Test
    void grammarsThatCannotBeUsedAreRefusedInVllmsWords() throws Exception {
        try (var operator = OperatorFixture.open()) {
            assertRefused(operator, outputs -> {}, "but none are specified");
            assertRefused(
                    operator,
                    outputs -> {
                        outputs.setRegex("a");
                        outputs.setJsonObject(true);
                    },
                    "You can only use one kind of structured outputs constraint but multiple are specified: regex, json_object");
            assertRefused(
                    operator, outputs -> outputs.setJson(" "), "structured_outputs.json cannot be an empty string");
            assertRefused(operator, outputs -> outputs.setChoice(List.of()), "cannot be an empty list");
            assertRefused(
                    operator,
                    outputs -> outputs.setJson("{\"type\": \"array\", \"uniqueItems\": true}"),
                    "Failed to transform json schema into a grammar: uniqueItems is not supported");
            assertRefused(
                    operator, outputs -> outputs.setRegex("(a"), "Failed to transform regex into a grammar: at line 1");
            assertRefused(operator, outputs -> outputs.setGrammar("x ::= y"), "Invalid grammar specification: ");
            assertRefused(operator, outputs -> outputs.setRegex("(a|b)*a(a|b){60}"), "it is too");
        }
    }

    @Test
    void anAnswerThatCannotGoOnFailsAloneWithAllOfItsChoices() throws Exception {
        try (var operator = OperatorFixture.open(new CpuExecutorFactory(), null)) {
            operator.send(request("ambiguous", outputs -> outputs.setGrammar(ambiguous()), options -> {
                options.setN(2);
                options.setMinTokens(300);
            }));
            operator.send(request("other", outputs -> outputs.setRegex("x{20}"), options -> {}));
            Answers answers = operator.runToEnd("ambiguous", "other").answers();
            assertThat(answers.text("other")).isEqualTo("x".repeat(20));
            for (String id : List.of("ambiguous", "ambiguous#1")) {
                assertThat(answers.last(id).getFinishReason()).isEqualTo(FinishReason.ERROR);
                assertThat(answers.last(id).getError().getMessage()).contains("too ambiguous");
            }
        }
    }

    /** Sums that may be read in more ways than there are atoms. */
    private static String ambiguous() {
        StringBuilder grammar = new StringBuilder("root ::= r0\n");
        for (int i = 0; i < 30; i++) {
            grammar.append("r").append(i).append(" ::= \"a\"");
            for (int j = 0; j < 30; j++) {
                grammar.append(" | r").append(j).append(" r").append(29 - j);
            }
            grammar.append("\n");
        }
        return grammar.toString();
    }

    /** Leaves white space out, which the model would not end; it may stand between all parts. */
    private static Map<String, Double> noSpace() {
        DjlTokenizer tokenizer = DjlTokenizer.open(OperatorFixture.MODEL.resolve("tokenizer.json"));
        return IntStream.range(0, tokenizer.vocabSize())
                .filter(id -> tokenizer.decode(new int[] {id}, true).matches("\\s+"))
                .boxed()
                .collect(Collectors.toMap(id -> Integer.toString(id), id -> -100.0));
    }

    private static void assertRefused(OperatorFixture operator, Consumer<StructuredOutputs> outputs, String message)
            throws Exception {
        String id = "refused " + message;
        operator.send(request(id, outputs, options -> {}));
        TokenEvent last = operator.runToEnd(id).answers().last(id);
        assertThat(last.getFinishReason()).isEqualTo(FinishReason.ERROR);
        assertThat(last.getError().getCode()).isEqualTo("invalid_request_error");
        assertThat(last.getError().getParam()).isEqualTo("structured_outputs");
        assertThat(last.getError().getMessage()).contains(message);
    }

    private static void assertValid(String document) throws Exception {
        JsonNode parsed = new ObjectMapper().readTree(document);
        assertThat(JsonSchemaFactory.getInstance(VersionFlag.V202012)
                        .getSchema(SCHEMA)
                        .validate(parsed))
                .as(document)
                .isEmpty();
    }

    private static PromptRequest request(
            String id, Consumer<StructuredOutputs> outputs, Consumer<SamplingOptions> change) {
        PromptRequest request = Requests.chat(id, "user", Requests.text("What do you see?"));
        StructuredOutputs bound = new StructuredOutputs();
        outputs.accept(bound);
        request.getSampling().setStructuredOutputs(bound);
        request.getSampling().setMaxTokens(300);
        request.getSampling().setSeed(7L);
        request.getSampling().setTopK(50);
        change.accept(request.getSampling());
        return request;
    }
}
