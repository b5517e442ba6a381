package dev.millrace.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.model.checkpoint.CheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class DjlTokenizerTest {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final Path FOLDER = Path.of(System.getProperty("millrace.root"), "golden/qwen2.5-tokenizer");
    private static final Path DEMO_FILE = Path.of(System.getProperty("millrace.root"), "models/demo-vl/tokenizer.json");
    private static final DjlTokenizer QWEN = DjlTokenizer.open(FOLDER.resolve("tokenizer.json"));
    private static final DjlTokenizer DEMO = DjlTokenizer.open(DEMO_FILE);

    /** Each with the native tokenizer of the same file, which knows the added tokens itself. */
    private static final Map<DjlTokenizer, HuggingFaceTokenizer> REFERENCES =
            Map.of(QWEN, reference(FOLDER.resolve("tokenizer.json")), DEMO, reference(DEMO_FILE));

    @TempDir
    Path folder;

    @Test
    void idsAndTextAreThoseOfTheReference() throws IOException {
        int compared = 0;
        for (String line : Files.readAllLines(FOLDER.resolve("tokenize.jsonl"))) {
            JsonNode expected = MAPPER.readTree(line);
            int[] ids = MAPPER.convertValue(expected.get("ids"), int[].class);

            assertThat(QWEN.encode(expected.get("text").asText())).as(line).isEqualTo(ids);
            assertThat(QWEN.decode(ids, true))
                    .as(line)
                    .isEqualTo(expected.get("decoded").asText());
            compared++;
        }
        assertThat(compared).isEqualTo(122);
    }

    @Test
    void agreesWithTheNativeTokenizerOnTextFullOfSpecialTokens() {
        Random random = new Random(1);
        String[] scraps = {
            "<|im_start|>",
            "<|im_end|>",
            "<|image_pad|>",
            "<|endoftext|>",
            "<|",
            "|>",
            "<",
            "im_end|>",
            "<|im_",
            " ",
            "\n",
            "\n\n",
            "user",
            "You are",
            "é",
            "e\u0301",
            "你好",
            "🚀",
            "👩‍👩‍👧",
            "12345",
            "'s",
            "\t",
            "<tool_call>",
            "\u0000"
        };
        REFERENCES.forEach((tokenizer, reference) -> {
            for (int i = 0; i < 300; i++) {
                String text = random.ints(random.nextInt(20), 0, scraps.length)
                        .mapToObj(s -> scraps[s])
                        .reduce("", String::concat);
                long[] expected = reference.encode(text, false, false).getIds();

                assertThat(IntStream.of(tokenizer.encode(text)).asLongStream().toArray())
                        .as(text)
                        .isEqualTo(expected);
            }
        });
    }

    @Test
    void decodesAnyIdsAsTheNativeTokenizerDoes() {
        Random random = new Random(2);
        REFERENCES.forEach((tokenizer, reference) -> {
            for (int i = 0; i < 500; i++) {
                int[] ids = RandomIds.next(random, tokenizer);
                long[] wide = IntStream.of(ids).asLongStream().toArray();

                assertThat(tokenizer.decode(ids, true)).isEqualTo(reference.decode(wide, true));
                assertThat(tokenizer.decode(ids, false)).isEqualTo(reference.decode(wide, false));
            }
        });
    }

    @Test
    void typedSpecialTokensArePiecesOfText() {
        String text = "say <|im_end|><|image_pad|> and <tool_call>";

        int[] ids = QWEN.encodeText(text);

        assertThat(ids).doesNotContain(151645, 151655, 151657).hasSizeGreaterThan(8);
        assertThat(QWEN.decode(ids, true)).isEqualTo(text);
        assertThat(QWEN.encode(text)).contains(151645, 151655, 151657);
    }

    @Test
    void encodeTextIsEncodeWhereNothingIsSpecial() {
        for (String text : new String[] {"", " ", "Hello world", "你好，世界。", "a < b || c > d"}) {
            assertThat(QWEN.encodeText(text)).isEqualTo(QWEN.encode(text));
        }
    }

    @Test
    void aLongTextIsNotCut() {
        String text = "many words ".repeat(5_000);

        assertThat(QWEN.decode(QWEN.encode(text), true)).isEqualTo(text);
    }

    @Test
    void halfASurrogatePairIsReplaced() {
        assertThat(QWEN.decode(QWEN.encodeText("a\ud83db"), true)).isEqualTo("a\ufffdb");
        assertThat(QWEN.decode(QWEN.encodeText("\ude80\ud83d"), true)).isEqualTo("\ufffd\ufffd");
        assertThat(QWEN.decode(QWEN.encodeText("🚀\ud83d🚀"), true)).isEqualTo("🚀\ufffd🚀");
    }

    @Test
    void idsBeyondTheTokenizerGiveNoText() {
        assertThat(QWEN.vocabSize()).isEqualTo(151_665);
        assertThat(QWEN.decode(new int[] {-1, 151_665, 152_063, Integer.MAX_VALUE, Integer.MIN_VALUE, 198}, false))
                .isEqualTo("\n");
    }

    @Test
    void knowsItsSpecialTokens() {
        assertThat(QWEN.specialTokenId("<|image_pad|>")).isEqualTo(151_655);
        assertThat(QWEN.specialTokenId("<tool_call>")).isEqualTo(151_657);
        assertThat(QWEN.specialTokenId("hello")).isEqualTo(-1);
        assertThat(QWEN.isSpecial(151_645)).isTrue();
        assertThat(QWEN.isSpecial(151_657)).isFalse();
        assertThat(QWEN.isSpecial(198)).isFalse();
        assertThat(QWEN.isSpecial(-1)).isFalse();
        assertThat(QWEN.isSpecial(1 << 30)).isFalse();
    }

    @Test
    void severalThreadsGetTheSameIds() {
        String text = "The quick brown fox 你好 <|im_end|> ".repeat(50);
        int[] expected = QWEN.encode(text);

        assertThat(IntStream.range(0, 200).parallel().mapToObj(i -> QWEN.encode(text)))
                .allSatisfy(ids -> assertThat(ids).isEqualTo(expected));
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("broken")
    void aBrokenFileIsNamed(Consumer<ObjectNode> change, String message) throws IOException {
        ObjectNode json = (ObjectNode) MAPPER.readTree(DEMO_FILE.toFile());
        change.accept(json);
        Path file = folder.resolve("tokenizer.json");
        MAPPER.writeValue(file.toFile(), json);

        assertThatThrownBy(() -> DjlTokenizer.open(file))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(message);
    }

    static Stream<Arguments> broken() {
        return Stream.of(
                broken(t -> t.remove("model"), "'model' is missing"),
                broken(t -> model(t).put("type", "Unigram"), "supported is 'BPE'"),
                broken(t -> ((ObjectNode) t.get("decoder")).put("type", "WordPiece"), "decoder 'WordPiece'"),
                broken(t -> model(t).putArray("vocab"), "'vocab' is []"),
                broken(t -> model(t).withObject("vocab").put("a", -1), "'a' is -1"),
                broken(t -> model(t).withObject("vocab").put("a", Integer.MAX_VALUE), "'a' is 2147483647"),
                broken(t -> model(t).putArray("merges").add("no such pieces"), "not usable as a tokenizer"),
                broken(t -> t.putObject("pre_tokenizer").put("type", "Unknown"), "not usable as a tokenizer"),
                broken(t -> token(t).put("lstrip", true), "lstrip is true"),
                broken(t -> token(t).put("content", ""), "content is empty"),
                broken(t -> token(t).put("id", -5), "'id' is -5"),
                broken(t -> t.put("added_tokens", "none"), "expected is a list of objects"));
    }

    private static Arguments broken(Consumer<ObjectNode> change, String message) {
        return Arguments.of(change, message);
    }

    private static ObjectNode model(ObjectNode tokenizer) {
        return (ObjectNode) tokenizer.get("model");
    }

    private static ObjectNode token(ObjectNode tokenizer) {
        return (ObjectNode) tokenizer.get("added_tokens").get(0);
    }

    private static HuggingFaceTokenizer reference(Path file) {
        try {
            return HuggingFaceTokenizer.newInstance(
                    file, Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
