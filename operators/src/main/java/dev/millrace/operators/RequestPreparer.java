package dev.millrace.operators;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.prompt.Preparation;
import dev.millrace.model.prompt.PromptPreparer;
import dev.millrace.operators.request.RequestResolver;
import dev.millrace.operators.request.ResolvedRequest;
import dev.millrace.operators.state.RequestSnapshot.Prepared;
import dev.millrace.operators.state.RequestSnapshot.Unprepared;
import dev.millrace.operators.state.RequestSnapshot.Work;

/** Makes of a request what the engine takes: parameters, tokens, pixels. Has no state; serves any number of threads. */
final class RequestPreparer {

    private final RequestResolver resolver;
    private final PromptPreparer prompts;
    private final int maxModelLen;

    RequestPreparer(RequestResolver resolver, PromptPreparer prompts, int maxModelLen) {
        this.resolver = resolver;
        this.prompts = prompts;
        this.maxModelLen = maxModelLen;
    }

    /**
     * @throws InvalidInputException if the request cannot be answered
     */
    PreparedRequest prepare(Work work) {
        if (work instanceof Prepared before) {
            return again(before);
        }
        ResolvedRequest request = resolver.resolve(((Unprepared) work).request());
        Preparation prompt = prompts.prepare(request.prompt());
        return new PreparedRequest(
                request.fit(prompt.prompt().tokenIds().length, maxModelLen), prompt.prompt(), prompt.media());
    }

    /** Tokens and parameters stay as they were; only pixels are made anew. */
    private PreparedRequest again(Prepared before) {
        return new PreparedRequest(
                before.params(),
                prompts.restore(before.promptIds(), before.mediaStarts(), before.media()),
                before.media());
    }
}
