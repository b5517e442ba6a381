package dev.millrace.operators;

import dev.millrace.schemas.EventError;
import dev.millrace.schemas.FinishReason;
import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.TokenEvent;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.typeutils.TupleTypeInfo;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Answers as many tokens as a prompt's {@code max_tokens} by a formula, some prompts a step, a step every few milliseconds:
 * what the inference operator does for its neighbours, without a model.
 */
public final class StandInOperator extends AbstractStreamOperator<TokenEvent>
        implements OneInputStreamOperator<InboundPrompt, TokenEvent> {

    private final Factory settings;
    private final Deque<Tuple2<InboundPrompt, Integer>> queue = new ArrayDeque<>();
    private transient AdmissionGate gate;
    private transient ListState<Tuple2<InboundPrompt, Integer>> state;
    private boolean ticking;
    private int checkpointsWhileClosed;

    private StandInOperator(Factory settings, StreamOperatorParameters<TokenEvent> parameters) {
        super(parameters);
        this.settings = settings;
    }

    /** Token {@code position} of an answer. */
    public static int token(String requestId, int position) {
        return (requestId.hashCode() + 31 * position) & 0xffff;
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        state = context.getOperatorStateStore()
                .getListState(new ListStateDescriptor<>(
                        "requests", new TupleTypeInfo<>(new AvroTypeInfo<>(InboundPrompt.class), Types.INT)));
        for (Tuple2<InboundPrompt, Integer> entry : state.get()) {
            queue.add(entry);
        }
    }

    @Override
    public void open() {
        gate = AdmissionGate.create(getMetricGroup().getAllVariables().get("<task_attempt_id>"));
        update();
    }

    @Override
    public void processElement(StreamRecord<InboundPrompt> element) {
        InboundPrompt prompt = element.getValue();
        if (prompt.getUnreadable() == null) {
            queue.add(Tuple2.of(prompt, 0));
            update();
        } else {
            output.collect(InferenceOperator.DEAD_LETTERS, new StreamRecord<>(prompt));
            EventError error = prompt.getUnreadable().getError();
            String id = prompt.getTopic() + "/" + prompt.getPartition() + "/" + prompt.getOffset();
            emit(event(id, 0)
                    .setFinishReason(FinishReason.ERROR)
                    .setError(error)
                    .build());
        }
    }

    private void update() {
        gate.setClosed(queue.size() >= settings.capacity);
        gate.setIdle(queue.isEmpty());
        if (!queue.isEmpty() && !ticking && checkpointsWhileClosed >= settings.checkpointsWhileClosed) {
            ticking = true;
            long next = getProcessingTimeService().getCurrentProcessingTime() + settings.stepMs;
            getProcessingTimeService().registerTimer(next, time -> step());
        }
    }

    private void step() {
        ticking = false;
        List<Tuple2<InboundPrompt, Integer>> running = new ArrayList<>();
        while (running.size() < settings.running && !queue.isEmpty()) {
            running.add(queue.poll());
        }
        for (int i = running.size() - 1; i >= 0; i--) {
            Tuple2<InboundPrompt, Integer> entry = running.get(i);
            if (!isLastToken(entry)) {
                queue.addFirst(Tuple2.of(entry.f0, entry.f1 + 1));
            }
        }
        running.forEach(this::emitToken);
        update();
    }

    private static boolean isLastToken(Tuple2<InboundPrompt, Integer> entry) {
        return entry.f1 + 1 >= entry.f0.getRequest().getSampling().getMaxTokens();
    }

    private void emitToken(Tuple2<InboundPrompt, Integer> entry) {
        String id = entry.f0.getRequest().getRequestId();
        int token = token(id, entry.f1);
        emit(event(id, entry.f1)
                .setTokenIds(List.of(token))
                .setText(List.of("%05d".formatted(token)))
                .setTextStart(5 * entry.f1)
                .setFinishReason(isLastToken(entry) ? FinishReason.LENGTH : null)
                .setReplyTo(entry.f0.getRequest().getReplyTo())
                .build());
    }

    private TokenEvent.Builder event(String id, int position) {
        return TokenEvent.newBuilder()
                .setRequestId(id)
                .setFirstPosition(position)
                .setAttempt(getRuntimeContext().getTaskInfo().getAttemptNumber())
                .setEmittedAt(Instant.now());
    }

    private void emit(TokenEvent event) {
        output.collect(new StreamRecord<>(event));
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        if (queue.size() > settings.capacity) {
            throw new IllegalStateException(queue.size() + " prompts are queued, " + settings.capacity + " may be");
        }
        state.update(List.copyOf(queue));
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) {
        if (gate.isClosed()) {
            checkpointsWhileClosed++;
            update();
        }
    }

    @Override
    public void close() throws Exception {
        if (gate != null) {
            gate.close();
        }
        super.close();
    }

    /** Makes the operator. */
    public static final class Factory extends AbstractStreamOperatorFactory<TokenEvent>
            implements OneInputStreamOperatorFactory<InboundPrompt, TokenEvent> {

        private final int capacity;
        private final int running;
        private final long stepMs;
        private final int checkpointsWhileClosed;

        /**
         * @param capacity prompts at which the gate closes
         * @param running prompts that get a token in a step
         * @param stepMs time between steps
         */
        public Factory(int capacity, int running, long stepMs) {
            this(capacity, running, stepMs, 0);
        }

        private Factory(int capacity, int running, long stepMs, int checkpointsWhileClosed) {
            this.capacity = capacity;
            this.running = running;
            this.stepMs = stepMs;
            this.checkpointsWhileClosed = checkpointsWhileClosed;
        }

        /** One that answers nothing before so many checkpoints were completed with the gate closed. */
        public Factory waitingForCheckpoints(int count) {
            return new Factory(capacity, running, stepMs, count);
        }

        @Override
        @SuppressWarnings("unchecked")
        public <T extends StreamOperator<TokenEvent>> T createStreamOperator(
                StreamOperatorParameters<TokenEvent> parameters) {
            return (T) new StandInOperator(this, parameters);
        }

        @Override
        @SuppressWarnings("rawtypes")
        public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
            return StandInOperator.class;
        }
    }
}
