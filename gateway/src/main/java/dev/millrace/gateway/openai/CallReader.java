package dev.millrace.gateway.openai;

import dev.millrace.model.InvalidInputException;
import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.json.PromptJson;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Understands the bodies of {@code /v1/chat/completions} and {@code /v1/completions}. Serves any number of threads. */
public final class CallReader {

    private final Supplier<List<String>> served;
    private final AnswerStyle style;
    private final PromptIds ids;
    private final Clock clock;
    private final PromptJson prompts;

    /**
     * @param served names by which the model may be asked for, the first one its own; empty while none is known
     * @param unknownField hears the name of each field that is passed over because nobody knows it
     */
    public CallReader(
            Supplier<List<String>> served,
            AnswerStyle style,
            PromptIds ids,
            Clock clock,
            Consumer<String> unknownField) {
        this.served = served;
        this.style = style;
        this.ids = ids;
        this.clock = clock;
        this.prompts = new PromptJson(unknownField);
    }

    /**
     * A conversation.
     *
     * @param requestId the header {@code X-Request-Id}, or null
     */
    public Call chat(byte[] body, String requestId) throws ApiException {
        CallFields fields = CallFields.parse(body);
        try {
            return chat(fields, requestId);
        } catch (MalformedRecordException e) {
            throw ApiException.of(e);
        } catch (InvalidInputException e) {
            throw ApiException.badRequest(e.getMessage(), e.param());
        }
    }

    /**
     * One prompt or several.
     *
     * @param requestId the header {@code X-Request-Id}, or null
     */
    public Call completion(byte[] body, String requestId) throws ApiException {
        CallFields fields = CallFields.parse(body);
        try {
            return completion(fields, requestId);
        } catch (MalformedRecordException e) {
            throw ApiException.of(e);
        } catch (InvalidInputException e) {
            throw ApiException.badRequest(e.getMessage(), e.param());
        }
    }

    private Call chat(CallFields fields, String requestId) throws MalformedRecordException, ApiException {
        ChatFields chat = ChatFields.read(fields, style);
        CallOptions options =
                options(Endpoint.CHAT, fields, requestId, chat.topLogprobs(), chat.role(), chat.prefix(), Echo.NONE);
        return call(List.of(prompts.read(fields.body())), options);
    }

    private Call completion(CallFields fields, String requestId) throws MalformedRecordException, ApiException {
        CompletionFields completion = CompletionFields.read(fields);
        CallOptions options =
                options(Endpoint.COMPLETIONS, fields, requestId, completion.topLogprobs(), "", "", completion.echo());
        return call(completion.requests(prompts.read(fields.body())), options);
    }

    private Call call(List<PromptRequest> requests, CallOptions options) throws MalformedRecordException {
        List<List<Integer>> promptIds = new ArrayList<>();
        for (int i = 0; i < requests.size(); i++) {
            identify(requests.get(i), options, i);
            if (options.needsPromptIds()) {
                promptIds.add(ids.of(requests.get(i)));
            }
        }
        return new Call(requests, promptIds, options, ids.tokenizer());
    }

    private CallOptions options(
            Endpoint endpoint,
            CallFields fields,
            String requestId,
            int topLogprobs,
            String role,
            String prefix,
            Echo echo)
            throws MalformedRecordException, ApiException {
        return new CallOptions(
                endpoint,
                endpoint.idPrefix() + fields.requestId(requestId),
                clock.instant().getEpochSecond(),
                fields.model(served.get()),
                fields.choices(),
                fields.stream(),
                fields.includeUsage(style),
                fields.continuousUsage(style),
                topLogprobs,
                fields.body().flag("return_token_ids", false),
                fields.tokensAsIds(style),
                style.cachedTokens(),
                role,
                prefix,
                echo);
    }

    /** What clients call their requests need not be unique, what the engine calls them must be. */
    private void identify(PromptRequest request, CallOptions options, int prompt) {
        request.setRequestId(
                options.id() + "-" + prompt + "-" + UUID.randomUUID().toString().substring(0, 8));
        request.setCreatedAt(Instant.ofEpochMilli(clock.millis()));
        if (!served.get().isEmpty()) {
            request.setModel(null);
        }
    }
}
