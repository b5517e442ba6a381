package dev.millrace.schemas.json;

import com.fasterxml.jackson.databind.JsonNode;
import dev.millrace.schemas.MalformedRecordException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * What is done with each field of a request body (OpenAI's and vLLM's, {@code vllm/entrypoints/openai/}): read, passed over
 * because it changes nothing here, or refused by name unless its value asks for nothing. A field nobody knows is passed
 * over, as vLLM does, and reported.
 */
final class KnownFields {

    private static final Predicate<JsonNode> NEVER = node -> false;
    private static final Predicate<JsonNode> EMPTY = node -> node.isContainerNode() && node.isEmpty();
    private static final Predicate<JsonNode> FALSE = node -> node.isBoolean() && !node.booleanValue();
    private static final Predicate<JsonNode> TRUE = node -> node.isBoolean() && node.booleanValue();

    private static final Set<String> READ = Set.of(
            ("request_id model messages prompt prompt_token_ids add_generation_prompt add_vision_id priority created_at"
                            + " deadline reply_to headers n temperature top_p top_k min_p repetition_penalty presence_penalty"
                            + " frequency_penalty seed max_tokens max_completion_tokens min_tokens stop stop_token_ids ignore_eos"
                            + " include_stop_str_in_output skip_special_tokens logprobs top_logprobs prompt_logprobs"
                            + " echo logit_bias allowed_token_ids bad_words mm_processor_kwargs media_io_kwargs chat_template_kwargs"
                            + " continue_final_message use_beam_search length_penalty early_stopping response_format"
                            + " structured_outputs")
                    .split(" "));

    private static final Set<String> PASSED_OVER =
            Set.of(("stream stream_options user store metadata service_tier safety_identifier prompt_cache_key"
                            + " prompt_cache_retention parallel_tool_calls return_token_ids return_tokens_as_token_ids"
                            + " include_reasoning")
                    .split(" "));

    /** Fields that are not supported, with the values that ask for nothing. */
    private static final Map<String, Predicate<JsonNode>> REFUSED = refused();

    /** What says the same as fields that vLLM had until 0.12, and that its guides still show. */
    private static final Map<String, String> RENAMED = Map.of(
            "guided_json", "structured_outputs.json",
            "guided_regex", "structured_outputs.regex",
            "guided_choice", "structured_outputs.choice",
            "guided_grammar", "structured_outputs.grammar");

    private KnownFields() {}

    private static Map<String, Predicate<JsonNode>> refused() {
        Map<String, Predicate<JsonNode>> refused = new HashMap<>();
        for (String name : ("functions function_call guided_json guided_regex guided_choice guided_grammar"
                        + " prompt_embeds chat_template truncate_prompt_tokens cache_salt logits_processors"
                        + " logprob_token_ids thinking_token_budget repetition_detection audio prediction reasoning_effort"
                        + " reasoning web_search_options verbosity")
                .split(" ")) {
            refused.put(name, NEVER);
        }
        for (String name : "tools documents kv_transfer_params vllm_xargs".split(" ")) {
            refused.put(name, EMPTY);
        }
        refused.put("skip_reading_prefix_cache", FALSE);
        refused.put("detokenize", TRUE);
        refused.put("spaces_between_special_tokens", TRUE);
        refused.put("best_of", node -> node.isInt() && node.intValue() == 1);
        refused.put("suffix", node -> node.isTextual() && node.textValue().isEmpty());
        refused.put(
                "tool_choice",
                node -> node.isTextual() && Set.of("none", "auto").contains(node.textValue()));
        refused.put(
                "modalities", node -> node.size() == 1 && node.path(0).asText().equals("text"));
        return refused;
    }

    /** What is done with each field, in a word or two. */
    static Map<String, String> treatments() {
        Map<String, String> treatments = new HashMap<>();
        READ.forEach(name -> treatments.put(name, "read"));
        PASSED_OVER.forEach(name -> treatments.put(name, "passed over"));
        REFUSED.keySet().forEach(name -> treatments.put(name, "refused"));
        return treatments;
    }

    static void check(JsonFields body, Consumer<String> unknown) throws MalformedRecordException {
        for (Map.Entry<String, JsonNode> field : body.object().properties()) {
            String name = field.getKey();
            Predicate<JsonNode> asksForNothing = REFUSED.get(name);
            if (asksForNothing != null) {
                refuse(name, field.getValue(), asksForNothing);
            } else if (!READ.contains(name) && !PASSED_OVER.contains(name)) {
                unknown.accept(name);
            }
        }
    }

    private static void refuse(String name, JsonNode value, Predicate<JsonNode> asksForNothing)
            throws MalformedRecordException {
        if (!value.isNull() && !asksForNothing.test(value)) {
            String advice = RENAMED.containsKey(name) ? "say " + RENAMED.get(name) + " instead" : "leave it out";
            throw new MalformedRecordException(
                    name + " is not supported, got " + Json.kind(value) + "; " + advice, name);
        }
    }

    /** Refuses fields other than the allowed ones: for objects in which a word that is passed over would change the answer. */
    static void allowOnly(JsonFields fields, Set<String> allowed) throws MalformedRecordException {
        for (Map.Entry<String, JsonNode> field : fields.object().properties()) {
            String path = fields.pathOf(field.getKey());
            if (!allowed.contains(field.getKey()) && !field.getValue().isNull()) {
                throw new MalformedRecordException(
                        path + " is not supported; allowed are " + String.join(", ", new TreeSet<>(allowed)), path);
            }
        }
    }
}
