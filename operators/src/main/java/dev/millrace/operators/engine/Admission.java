package dev.millrace.operators.engine;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.operators.sequence.Sequence;

/** Refuses what could never run, when it comes, rather than let it wait for ever. */
final class Admission {

    private final int maxModelLen;
    private final boolean chunkedPrefill;
    private final int mediaRows;

    Admission(EngineConfig config, ModelExecutor executor) {
        this.maxModelLen = config.limits().maxModelLen();
        this.chunkedPrefill = config.scheduling().enableChunkedPrefill();
        this.mediaRows = executor.mediaRows();
        long cacheTokens = executor.cacheTokens();
        if (cacheTokens < maxModelLen) {
            throw new IllegalArgumentException("max-model-len is " + maxModelLen
                    + ", but the key-value cache holds " + cacheTokens
                    + " tokens; give it more memory or lower max-model-len");
        }
    }

    void check(Sequence sequence) {
        int length = sequence.promptLength();
        if (length == 0) {
            throw new InvalidInputException("the prompt is empty; it needs at least one token", "prompt");
        }
        if (length >= maxModelLen) {
            throw new InvalidInputException(
                    "the prompt has " + length + " tokens, but prompt and answer together may have at most "
                            + maxModelLen + " (max-model-len); shorten the prompt",
                    "prompt");
        }
        checkMedia(sequence);
    }

    private void checkMedia(Sequence sequence) {
        long together = 0;
        for (MediaSpan span : sequence.prompt().media()) {
            int tokens = span.item().numTokens();
            together += tokens;
            if (tokens > mediaRows) {
                throw new InvalidInputException(
                        "a " + (span.item().video() ? "video" : "picture") + " takes " + tokens
                                + " tokens, but at most " + mediaRows
                                + " fit the media buffer; lower max_pixels or take fewer frames",
                        "messages");
            }
        }
        if (!chunkedPrefill && together > mediaRows) {
            throw new InvalidInputException(
                    "the prompt's media take " + together + " tokens, but at most " + mediaRows
                            + " fit the media buffer at a time while chunked prefill is off; send fewer or smaller ones",
                    "messages");
        }
    }
}
