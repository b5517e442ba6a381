package dev.millrace.gateway.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.json.JsonFields;
import java.util.ArrayList;
import java.util.List;

/**
 * What only a completion has, by the rules and in the words of {@code vllm/entrypoints/openai/completion/protocol.py}: a
 * prompt is a text or token ids, and there may be several.
 *
 * @param prompts each a text or an array of ids
 * @param topLogprobs as in {@link CallOptions}
 */
record CompletionFields(List<JsonNode> prompts, int topLogprobs, Echo echo) {

    /** Most characters that the fields beside the prompt may have in the requests of a call together: each takes them along. */
    private static final int MOST_REPEATED = 64 << 20;

    static CompletionFields read(CallFields fields) throws MalformedRecordException, ApiException {
        JsonFields body = fields.body();
        body.object().remove(List.of("messages", "prompt_token_ids"));
        if (body.has("suffix")) {
            throw ApiException.badRequest("suffix is not currently supported", "suffix");
        }
        if (body.has("prompt_embeds")) {
            throw ApiException.badRequest(
                    "You must set `--enable-prompt-embeds` to input `prompt_embeds`; this server has no such flag.",
                    "prompt_embeds");
        }
        List<JsonNode> prompts = prompts(body.node("prompt"));
        requireFewCharacters(prompts.size(), body);
        body.object().set("prompt", prompts.get(0));
        return new CompletionFields(prompts, topLogprobs(body), echo(body));
    }

    /** The engine answers with a token at least, which {@link Echo#ALONE} leaves out. */
    private static Echo echo(JsonFields body) throws MalformedRecordException {
        if (!body.flag("echo", false)) {
            return Echo.NONE;
        }
        Integer maxTokens = body.integer("max_tokens");
        if (maxTokens == null || maxTokens != 0) {
            return Echo.BEFORE_ANSWER;
        }
        body.object().put("max_tokens", 1);
        return Echo.ALONE;
    }

    private static void requireFewCharacters(int prompts, JsonFields body) throws ApiException {
        if (prompts == 1) {
            return;
        }
        ObjectNode others = JsonNodeFactory.instance.objectNode().setAll(body.object());
        int each = others.without("prompt").toString().length();
        if ((long) prompts * each > MOST_REPEATED) {
            throw ApiException.badRequest(
                    "prompt holds " + prompts + " prompts, and with each go the " + each
                            + " characters of the other fields; together these may be " + MOST_REPEATED
                            + ". Send them in several calls.",
                    "prompt");
        }
    }

    private static List<JsonNode> prompts(JsonNode prompt) throws ApiException {
        if (prompt == null || prompt.isTextual() && prompt.textValue().isEmpty() || isEmptyArray(prompt)) {
            throw ApiException.badRequest("Either prompt or prompt_embeds must be provided and non-empty.", "prompt");
        }
        boolean several = prompt.isArray()
                && (prompt.path(0).isTextual() || prompt.path(0).isArray());
        if (!several) {
            return List.of(prompt);
        }
        List<JsonNode> prompts = new ArrayList<>(prompt.size());
        prompt.forEach(prompts::add);
        return prompts;
    }

    private static boolean isEmptyArray(JsonNode prompt) {
        return prompt.isArray() && prompt.isEmpty();
    }

    private static int topLogprobs(JsonFields body) throws MalformedRecordException, ApiException {
        Integer logprobs = body.integer("logprobs");
        if (logprobs != null && logprobs < 0) {
            throw ApiException.badRequest("`logprobs` must be a positive value.", "logprobs");
        }
        return logprobs == null ? CallOptions.NO_LOGPROBS : logprobs;
    }

    /**
     * The same request for each prompt.
     *
     * @param first the request for the first one
     */
    List<PromptRequest> requests(PromptRequest first) throws MalformedRecordException {
        List<PromptRequest> requests = new ArrayList<>(prompts.size());
        requests.add(first);
        for (int i = 1; i < prompts.size(); i++) {
            JsonNode prompt = prompts.get(i);
            String at = "prompt[" + i + "]";
            PromptRequest.Builder request =
                    PromptRequest.newBuilder(first).setPrompt(null).setPromptTokenIds(null);
            requests.add(
                    prompt.isArray()
                            ? request.setPromptTokenIds(JsonFields.list(prompt, at, JsonFields::integer))
                                    .build()
                            : request.setPrompt(JsonFields.text(prompt, at)).build());
        }
        return requests;
    }
}
