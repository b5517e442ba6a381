package dev.millrace.gateway.openai;

import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.schemas.PromptRequest;
import java.util.List;
import java.util.stream.IntStream;

/** A call that was understood: what to have generated, and what becomes of it. */
public final class Call {

    private final List<PromptRequest> requests;
    private final List<List<Integer>> promptIds;
    private final CallOptions options;
    private final Tokenizer tokenizer;

    /**
     * @param requests one for each prompt
     * @param promptIds tokens of each prompt, null where they are not known; empty where nobody asks for them
     */
    Call(List<PromptRequest> requests, List<List<Integer>> promptIds, CallOptions options, Tokenizer tokenizer) {
        this.requests = List.copyOf(requests);
        this.promptIds = promptIds;
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
        return new StreamedAnswer(options, format(), collectors());
    }

    public CollectedAnswer collected() {
        return new CollectedAnswer(options, format(), collectors());
    }

    private boolean isScored(PromptRequest request) {
        return request.getSampling().getPromptLogprobs() != null || options.scoresPrompt();
    }

    private List<PromptCollector> collectors() {
        return IntStream.range(0, requests.size())
                .mapToObj(i ->
                        new PromptCollector(promptIds.isEmpty() ? null : promptIds.get(i), isScored(requests.get(i))))
                .toList();
    }

    private AnswerFormat format() {
        TokenNames names = new TokenNames(tokenizer, options.tokensAsIds());
        return options.endpoint() == Endpoint.CHAT
                ? new ChatFormat(options, names)
                : new CompletionFormat(options, names);
    }
}
