package dev.millrace.operators;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.grammar.Grammar;
import dev.millrace.model.prompt.Preparation;
import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PromptPreparer;
import dev.millrace.model.sampling.SamplingParams;
import dev.millrace.operators.request.Grammars;
import dev.millrace.operators.request.RequestResolver;
import dev.millrace.operators.request.ResolvedRequest;
import dev.millrace.operators.sequence.BeamParams;
import dev.millrace.operators.sequence.GenerationParams;
import dev.millrace.operators.state.RequestSnapshot.ChoiceSnapshot;
import dev.millrace.operators.state.RequestSnapshot.Prepared;
import dev.millrace.operators.state.RequestSnapshot.Unprepared;
import dev.millrace.operators.state.RequestSnapshot.Work;
import java.util.Arrays;
import java.util.stream.Stream;

/** Makes of a request what the engine takes: parameters, tokens, pixels. Has no state; serves any number of threads. */
final class RequestPreparer {

    private final RequestResolver resolver;
    private final PromptPreparer prompts;
    private final Grammars grammars;
    private final int maxModelLen;
    private final int vocabSize;

    /**
     * @param vocabSize rows of the logits
     */
    RequestPreparer(
            RequestResolver resolver, PromptPreparer prompts, Grammars grammars, int maxModelLen, int vocabSize) {
        this.resolver = resolver;
        this.prompts = prompts;
        this.grammars = grammars;
        this.maxModelLen = maxModelLen;
        this.vocabSize = vocabSize;
    }

    /**
     * @throws InvalidInputException if the request cannot be answered
     */
    PreparedRequest prepare(Work work) {
        if (work instanceof Prepared before) {
            return again(before);
        }
        ResolvedRequest request = resolver.resolve(((Unprepared) work).request());
        Grammar grammar = grammars.compile(request.params());
        Preparation prompt = prompts.prepare(request.prompt());
        GenerationParams params = request.fit(prompt.prompt().tokenIds().length, maxModelLen);
        return new PreparedRequest(params, prompt.prompt(), prompt.media(), request.choices(), grammar);
    }

    /** Tokens and parameters stay as they were; only pixels are made anew. */
    private PreparedRequest again(Prepared before) {
        requireSameVocabulary(before);
        PreparedPrompt prompt = prompts.restore(before.promptIds(), before.mediaStarts(), before.media());
        BeamParams beams = before.params().beams();
        int choices = beams == null ? before.choices().size() : beams.width();
        return new PreparedRequest(before.params(), prompt, before.media(), choices, grammar(before));
    }

    private Grammar grammar(Prepared before) {
        Grammar grammar = grammars.compile(before.params());
        int[] ends = before.params().sampling().stopIds();
        for (ChoiceSnapshot choice : before.choices()) {
            if (grammar != null
                    && choice.finish() == null
                    && !grammar.start(ends).fits(choice.tokens())) {
                throw new InvalidInputException(
                        "the answer that was begun does not fit its grammar; restore with the model that the savepoint"
                                + " was made with",
                        "structured_outputs");
            }
        }
        return grammar;
    }

    /** A savepoint may be restored with another checkpoint, whose embedding table is smaller. */
    private void requireSameVocabulary(Prepared before) {
        SamplingParams sampling = before.params().sampling();
        Stream.Builder<int[]> ids = Stream.builder();
        ids.add(before.promptIds())
                .add(sampling.biasIds())
                .add(sampling.bannedIds())
                .add(sampling.stopIds());
        if (sampling.allowedIds() != null) {
            ids.add(sampling.allowedIds());
        }
        before.params().badWords().forEach(ids);
        before.choices().forEach(choice -> ids.add(choice.tokens()));
        int largest = ids.build().flatMapToInt(Arrays::stream).max().orElse(0);
        if (largest >= vocabSize) {
            throw new InvalidInputException(
                    "the request was begun with another model: token " + largest + " is not among the " + vocabSize
                            + " of this one. Restore with the model that the savepoint was made with",
                    "model");
        }
    }
}
