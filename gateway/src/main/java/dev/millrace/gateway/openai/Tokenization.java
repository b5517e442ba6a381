package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.json.JsonFields;
import dev.millrace.schemas.json.PromptJson;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * {@code /tokenize} and {@code /detokenize} with the fields of {@code vllm/entrypoints/serve/tokenize/protocol.py}. Serves any
 * number of threads.
 */
public final class Tokenization {

    private final Supplier<List<String>> served;
    private final Supplier<Integer> maxModelLen;
    private final Tokenizer tokenizer;
    private final PromptIds ids;
    private final PromptJson prompts;

    /**
     * @param served names by which the model may be asked for; empty while none is known
     * @param maxModelLen most tokens of a prompt and its answer; null while it is not known
     * @param unknownField hears the name of each field that is passed over because nobody knows it
     */
    public Tokenization(
            Supplier<List<String>> served,
            Supplier<Integer> maxModelLen,
            PromptIds ids,
            Consumer<String> unknownField) {
        this.served = served;
        this.maxModelLen = maxModelLen;
        this.tokenizer = ids.tokenizer();
        this.ids = ids;
        this.prompts = new PromptJson(unknownField);
    }

    /** The ids of a {@code prompt}, or of {@code messages} as the chat template renders them. */
    public String tokenize(byte[] body) throws ApiException {
        CallFields fields = CallFields.parse(body);
        try {
            fields.model(served.get());
            boolean strings = fields.takeFlag("return_token_strs");
            fields.body().flag("add_special_tokens", true); // Qwen's tokenizer has none to add
            fields.body().object().remove("add_special_tokens");
            return answer(ids(fields.body()), strings);
        } catch (MalformedRecordException e) {
            throw ApiException.of(e);
        } catch (InvalidInputException e) {
            throw ApiException.badRequest(e.getMessage(), e.param());
        }
    }

    private int[] ids(JsonFields body) throws MalformedRecordException, ApiException {
        if (body.has("prompt")) {
            return tokenizer.encode(body.text("prompt"));
        }
        if (!body.has("messages")) {
            throw ApiException.badRequest("prompt or messages: Field required", "prompt");
        }
        List<Integer> known = ids.of(prompts.read(body));
        if (known == null) {
            throw ApiException.badRequest(
                    "Pictures and videos are not fetched to be counted; send the call itself with max_tokens 1"
                            + " and read its usage.",
                    "messages");
        }
        return known.stream().mapToInt(Integer::intValue).toArray();
    }

    private String answer(int[] ids, boolean strings) {
        ObjectNode answer =
                JsonNodeFactory.instance.objectNode().put("count", ids.length).put("max_model_len", maxModelLen.get());
        ArrayNode tokens = answer.putArray("tokens");
        Arrays.stream(ids).forEach(tokens::add);
        if (strings) {
            ArrayNode texts = answer.putArray("token_strs");
            Arrays.stream(ids).forEach(id -> texts.add(tokenizer.tokenString(id)));
        } else {
            answer.putNull("token_strs");
        }
        return answer.toString();
    }

    /** The text of {@code tokens}, special ones included. */
    public String detokenize(byte[] body) throws ApiException {
        CallFields fields = CallFields.parse(body);
        try {
            fields.model(served.get());
            List<Integer> ids = fields.body().list("tokens", JsonFields::integer);
            if (ids == null) {
                throw ApiException.badRequest("tokens: Field required", "tokens");
            }
            for (int id : ids) {
                if (id < 0 || id >= tokenizer.vocabSize()) {
                    throw ApiException.badRequest(
                            "Token id " + id + " is out of vocabulary; allowed are 0 to " + (tokenizer.vocabSize() - 1),
                            "tokens");
                }
            }
            String text =
                    tokenizer.decode(ids.stream().mapToInt(Integer::intValue).toArray(), false);
            return JsonNodeFactory.instance.objectNode().put("prompt", text).toString();
        } catch (MalformedRecordException e) {
            throw ApiException.of(e);
        }
    }
}
