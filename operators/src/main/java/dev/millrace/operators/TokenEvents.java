package dev.millrace.operators;

import dev.millrace.model.executor.StepOutput.SampleLogprobs;
import dev.millrace.model.tokenizer.Tokenizer;
import dev.millrace.operators.engine.EngineListener.SequenceOutput;
import dev.millrace.operators.sequence.Sequence;
import dev.millrace.operators.state.RequestHeader;
import dev.millrace.schemas.EventError;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.PositionLogprobs;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.TokenLogprob;
import dev.millrace.schemas.Usage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Words what happened to a request as the events that its reader gets. */
final class TokenEvents {

    private static final int ECHO_CHARS = 1 << 16;
    private static final int MESSAGE_CHARS = 1 << 12; // of an error: it may repeat what was asked, and that may be huge

    private final Tokenizer tokenizer;
    private final int attempt;

    /**
     * @param attempt this attempt's number
     */
    TokenEvents(Tokenizer tokenizer, int attempt) {
        this.tokenizer = tokenizer;
        this.attempt = attempt;
    }

    /** Some tokens of an answer, the last ones perhaps. */
    TokenEvent tokens(TrackedRequest request, SequenceOutput output, Instant now) {
        int choice = output.sequence().choice();
        TokenEvent.Builder event = begin(request.header().requestId(), request.header(), now)
                .setChoice(choice)
                .setFirstPosition(output.firstPosition())
                .setTokenIds(Arrays.stream(output.tokens()).boxed().toList())
                .setText(output.text())
                .setTextStart(output.textStart())
                .setLogprobs(logprobs(output))
                .setScheduledAt(request.choices().answer(choice).scheduledAt());
        if (output.firstPosition() == 0) {
            event.setPromptTokens(output.sequence().promptLength());
        }
        if (output.finish() != null) {
            event.setFinishReason(FinishReason.valueOf(output.finish().name())).setStopReason(output.stopReason());
            if (request.choices().areFinished()) {
                event.setUsage(request.choices().usage())
                        .setHeaders(request.header().headers());
            }
        }
        return event.build();
    }

    /** Log-probabilities of tokens of the prompt, which the first answer tells. */
    TokenEvent promptLogprobs(TrackedRequest request, int firstPosition, List<SampleLogprobs> logprobs, Instant now) {
        int[] prompt = request.choices().prepared().prompt().tokenIds();
        List<PositionLogprobs> positions = new ArrayList<>(logprobs.size());
        for (int i = 0; i < logprobs.size(); i++) {
            positions.add(position(prompt[firstPosition + i], logprobs.get(i)));
        }
        return beforeTokens(request, 0, now)
                .setPromptLogprobs(positions)
                .setPromptLogprobsStart(firstPosition)
                .build();
    }

    /** The prompt's text, where it is to come before each answer: before the output that begins it, in pieces that fit into every topic. */
    List<TokenEvent> echo(TrackedRequest request, SequenceOutput output, Instant now) {
        boolean begins = output.firstPosition() == 0 && output.tokens().length > 0;
        if (!begins || !output.sequence().params().echo()) {
            return List.of();
        }
        String text = tokenizer.decode(output.sequence().prompt().tokenIds(), false);
        List<TokenEvent> pieces = new ArrayList<>();
        for (int start = 0; start < text.length(); ) {
            int end = end(text, start, ECHO_CHARS);
            pieces.add(beforeTokens(request, output.sequence().choice(), now)
                    .setPromptText(text.substring(start, end))
                    .setPromptTextStart(start)
                    .build());
            start = end;
        }
        return pieces;
    }

    private TokenEvent.Builder beforeTokens(TrackedRequest request, int choice, Instant now) {
        return begin(request.header().requestId(), request.header(), now)
                .setChoice(choice)
                .setScheduledAt(request.choices().answer(choice).scheduledAt());
    }

    /**
     * The end of a request that cannot be answered, or no further: one event for each answer that has not ended, or a single
     * one where none was begun.
     */
    List<TokenEvent> failure(TrackedRequest request, EventError error, Instant now) {
        TokenEvent.Builder event = failure(request.id(), request.header(), error, now);
        Choices choices = request.choices();
        if (choices == null) {
            return List.of(event.build());
        }
        List<Sequence> unfinished = choices.unfinished();
        List<TokenEvent> events = new ArrayList<>(unfinished.size());
        for (int i = 0; i < unfinished.size(); i++) {
            Sequence sequence = unfinished.get(i);
            boolean last = i == unfinished.size() - 1;
            events.add(event.setChoice(sequence.choice())
                    .setFirstPosition(sequence.outputLength())
                    .setTextStart(sequence.completion().emittedChars())
                    .setScheduledAt(choices.answer(sequence.choice()).scheduledAt())
                    .setUsage(last ? choices.usage() : null)
                    .setHeaders(last ? request.header().headers() : Map.of())
                    .build());
        }
        return events;
    }

    /** The only event of a request that was given up before any answer was begun. */
    TokenEvent aborted(TrackedRequest request, Instant now) {
        return begin(request.id(), request.header(), now)
                .setFinishReason(FinishReason.ABORT)
                .setUsage(new Usage(0, 0, 0))
                .setHeaders(request.header().headers())
                .build();
    }

    /** The only event of a request that is refused under the name of its record, as its own id would mislead. */
    TokenEvent refusal(RequestHeader header, EventError error, Instant now) {
        return failure(header.place(), header, error, now).build();
    }

    /** The only event of a record that no request could be made of. */
    TokenEvent unreadable(InboundPrompt record, Instant now) {
        return TokenEvent.newBuilder()
                .setRequestId(RequestHeader.place(record.getTopic(), record.getPartition(), record.getOffset()))
                .setAttempt(attempt)
                .setReplyTo(record.getUnreadable().getReplyTo())
                .setFinishReason(FinishReason.ERROR)
                .setError(bounded(record.getUnreadable().getError()))
                .setCreatedAt(record.getTimestamp())
                .setEmittedAt(now)
                .build();
    }

    private TokenEvent.Builder failure(String id, RequestHeader header, EventError error, Instant now) {
        return begin(id, header, now)
                .setFinishReason(FinishReason.ERROR)
                .setError(bounded(error))
                .setHeaders(header.headers());
    }

    /** The error in words that fit into every topic. */
    private static EventError bounded(EventError error) {
        return EventError.newBuilder(error)
                .setMessage(bounded(error.getMessage()))
                .setParam(error.getParam() == null ? null : bounded(error.getParam()))
                .build();
    }

    private static String bounded(String text) {
        return text.length() <= MESSAGE_CHARS ? text : text.substring(0, end(text, 0, MESSAGE_CHARS)) + "…";
    }

    /** Where a piece of at most so many characters ends that begins at {@code start}: not within a surrogate pair. */
    private static int end(String text, int start, int most) {
        int end = Math.min(start + most, text.length());
        return end < text.length() && Character.isHighSurrogate(text.charAt(end - 1)) ? end - 1 : end;
    }

    private TokenEvent.Builder begin(String id, RequestHeader header, Instant now) {
        return TokenEvent.newBuilder()
                .setRequestId(id)
                .setAttempt(attempt)
                .setReplyTo(header.replyTo())
                .setHeaders(Map.of())
                .setCreatedAt(header.createdAt())
                .setEmittedAt(now);
    }

    private List<PositionLogprobs> logprobs(SequenceOutput output) {
        if (output.logprobs() == null) {
            return null;
        }
        List<PositionLogprobs> positions = new ArrayList<>(output.tokens().length);
        for (int i = 0; i < output.tokens().length; i++) {
            positions.add(position(output.tokens()[i], output.logprobs().get(i)));
        }
        return positions;
    }

    private PositionLogprobs position(int token, SampleLogprobs sample) {
        List<TokenLogprob> top = new ArrayList<>(sample.topIds().length);
        for (int i = 0; i < sample.topIds().length; i++) {
            top.add(logprob(sample.topIds()[i], sample.topLogprobs()[i], i + 1));
        }
        return new PositionLogprobs(logprob(token, sample.logprob(), sample.rank()), top);
    }

    private TokenLogprob logprob(int token, float logprob, int rank) {
        return new TokenLogprob(token, tokenizer.decode(new int[] {token}, false), logprob, rank);
    }
}
