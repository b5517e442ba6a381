package dev.millrace.gateway.openai;

import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.schemas.PromptRequest;
import java.util.List;

/** A call that was understood: what to have generated, and what becomes of it. */
public final class Call {

    private final List<PromptRequest> requests;
    private final List<String> firstTokens;
    private final CallOptions options;
    private final Tokenizer tokenizer;

    /**
     * @param requests one for each prompt
     * @param firstTokens text of each prompt's first token, where the prompt's log-probabilities are echoed; else empty
     */
    Call(List<PromptRequest> requests, List<String> firstTokens, CallOptions options, Tokenizer tokenizer) {
        this.requests = List.copyOf(requests);
        this.firstTokens = List.copyOf(firstTokens);
        this.options = options;
        this.tokenizer = tokenizer;
    }

    public List<PromptRequest> requests() {
        return requests;
    }

    /** Names the answer. */
    public String id() {
        return options.id();
    }

    /** What the client calls the request, or what it is called where the client has no word for it. */
    public String requestId() {
        return options.id().substring(options.endpoint().idPrefix().length());
    }

    /** Whether the answer is sent as it comes. */
    public boolean stream() {
        return options.stream();
    }

    public StreamedAnswer streamed() {
        return new StreamedAnswer(options, format(), requests.size(), firstTokens);
    }

    public CollectedAnswer collected() {
        return new CollectedAnswer(options, format(), requests.size(), firstTokens);
    }

    private AnswerFormat format() {
        TokenNames names = new TokenNames(tokenizer, options.tokensAsIds());
        return options.endpoint() == Endpoint.CHAT
                ? new ChatFormat(options, names)
                : new CompletionFormat(options, names);
    }
}
