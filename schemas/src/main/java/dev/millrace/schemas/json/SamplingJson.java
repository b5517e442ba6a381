package dev.millrace.schemas.json;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.SamplingOptions;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** The sampling fields of a request body, OpenAI's and vLLM's, which stand beside the prompt. */
final class SamplingJson {

    private SamplingJson() {}

    static SamplingOptions read(JsonFields body, boolean chat) throws MalformedRecordException {
        Double lengthPenalty = body.number("length_penalty");
        return SamplingOptions.newBuilder()
                .setN(body.integer("n"))
                .setTemperature(body.number("temperature"))
                .setTopP(body.number("top_p"))
                .setTopK(body.integer("top_k"))
                .setMinP(body.number("min_p"))
                .setRepetitionPenalty(body.number("repetition_penalty"))
                .setPresencePenalty(body.number("presence_penalty"))
                .setFrequencyPenalty(body.number("frequency_penalty"))
                .setSeed(body.longInteger("seed"))
                .setMaxTokens(maxTokens(body))
                .setMinTokens(body.integer("min_tokens"))
                .setStop(stop(body))
                .setStopTokenIds(orEmpty(body.list("stop_token_ids", JsonFields::integer)))
                .setIgnoreEos(body.flag("ignore_eos", false))
                .setIncludeStopStrInOutput(body.flag("include_stop_str_in_output", false))
                .setSkipSpecialTokens(body.flag("skip_special_tokens", true))
                .setLogprobs(chat ? chatLogprobs(body) : body.integer("logprobs"))
                .setPromptLogprobs(body.integer("prompt_logprobs"))
                .setEcho(body.flag("echo", false))
                .setLogitBias(logitBias(body))
                .setAllowedTokenIds(body.list("allowed_token_ids", JsonFields::integer))
                .setBadWords(orEmpty(body.list("bad_words", JsonFields::text)))
                .setUseBeamSearch(body.flag("use_beam_search", false))
                .setLengthPenalty(lengthPenalty == null ? 1 : lengthPenalty)
                .setEarlyStopping(body.flag("early_stopping", false))
                .setStructuredOutputs(StructuredOutputsJson.read(body))
                .build();
    }

    private static Integer maxTokens(JsonFields body) throws MalformedRecordException {
        Integer maxTokens = body.integer("max_tokens");
        Integer maxCompletionTokens = body.integer("max_completion_tokens");
        return maxCompletionTokens != null ? maxCompletionTokens : maxTokens;
    }

    private static List<String> stop(JsonFields body) throws MalformedRecordException {
        JsonNode stop = body.node("stop");
        if (stop == null) {
            return List.of();
        }
        if (stop.isTextual()) {
            return List.of(body.text("stop"));
        }
        if (!stop.isArray()) {
            throw JsonFields.refused(stop, "stop", "a string or an array of strings");
        }
        return body.list("stop", JsonFields::text);
    }

    private static Integer chatLogprobs(JsonFields body) throws MalformedRecordException {
        Integer top = body.integer("top_logprobs");
        if (body.flag("logprobs", false)) {
            return top == null ? Integer.valueOf(0) : top;
        }
        if (top != null && top != 0) {
            throw new MalformedRecordException(
                    "top_logprobs is " + top + " but logprobs is not true; set it to true", "top_logprobs");
        }
        return null;
    }

    private static Map<String, Double> logitBias(JsonFields body) throws MalformedRecordException {
        Map<String, Double> bias = body.map("logit_bias", JsonFields::number);
        return bias == null ? Map.of() : bias;
    }

    private static <T> List<T> orEmpty(List<T> list) {
        return list == null ? List.of() : list;
    }

    /** Writes what differs from the defaults. */
    static void write(SamplingOptions sampling, boolean chat, ObjectNode body) {
        body.setAll((ObjectNode) Json.MAPPER.valueToTree(numbers(sampling)));
        writeLists(sampling, body);
        if (sampling.getIgnoreEos()) {
            body.put("ignore_eos", true);
        }
        if (sampling.getIncludeStopStrInOutput()) {
            body.put("include_stop_str_in_output", true);
        }
        if (sampling.getEcho()) {
            body.put("echo", true);
        }
        if (sampling.getUseBeamSearch()) {
            body.put("use_beam_search", true);
        }
        if (sampling.getLengthPenalty() != 1) {
            body.put("length_penalty", sampling.getLengthPenalty());
        }
        if (sampling.getEarlyStopping()) {
            body.put("early_stopping", true);
        }
        if (!sampling.getSkipSpecialTokens()) {
            body.put("skip_special_tokens", false);
        }
        if (sampling.getLogprobs() != null && chat) {
            body.put("logprobs", true).put("top_logprobs", sampling.getLogprobs());
        } else if (sampling.getLogprobs() != null) {
            body.put("logprobs", sampling.getLogprobs());
        }
    }

    private static Map<String, Number> numbers(SamplingOptions sampling) {
        Map<String, Number> numbers = new TreeMap<>();
        numbers.put("n", sampling.getN());
        numbers.put("temperature", sampling.getTemperature());
        numbers.put("top_p", sampling.getTopP());
        numbers.put("top_k", sampling.getTopK());
        numbers.put("min_p", sampling.getMinP());
        numbers.put("repetition_penalty", sampling.getRepetitionPenalty());
        numbers.put("presence_penalty", sampling.getPresencePenalty());
        numbers.put("frequency_penalty", sampling.getFrequencyPenalty());
        numbers.put("seed", sampling.getSeed());
        numbers.put("max_tokens", sampling.getMaxTokens());
        numbers.put("min_tokens", sampling.getMinTokens());
        numbers.put("prompt_logprobs", sampling.getPromptLogprobs());
        numbers.values().removeIf(Objects::isNull);
        return numbers;
    }

    private static void writeLists(SamplingOptions sampling, ObjectNode body) {
        if (!sampling.getStop().isEmpty()) {
            body.set("stop", Json.MAPPER.valueToTree(sampling.getStop()));
        }
        if (!sampling.getStopTokenIds().isEmpty()) {
            body.set("stop_token_ids", Json.MAPPER.valueToTree(sampling.getStopTokenIds()));
        }
        if (!sampling.getLogitBias().isEmpty()) {
            body.set("logit_bias", Json.MAPPER.valueToTree(sampling.getLogitBias()));
        }
        if (sampling.getAllowedTokenIds() != null) {
            body.set("allowed_token_ids", Json.MAPPER.valueToTree(sampling.getAllowedTokenIds()));
        }
        if (!sampling.getBadWords().isEmpty()) {
            body.set("bad_words", Json.MAPPER.valueToTree(sampling.getBadWords()));
        }
        if (sampling.getStructuredOutputs() != null) {
            body.set("structured_outputs", StructuredOutputsJson.write(sampling.getStructuredOutputs()));
        }
    }
}
