package dev.millrace.operators;

import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorConfig.Cache;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.operators.OperatorConfig.QueueLimits;
import dev.millrace.operators.OperatorConfig.SamplingDefaults;
import dev.millrace.operators.scheduler.Scheduling;
import dev.millrace.operators.state.RequestSnapshot;
import dev.millrace.operators.state.RequestSnapshot.Prepared;
import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.PromptRequest;
import dev.millrace.schemas.TokenEvent;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.apache.flink.api.common.externalresource.ExternalResourceInfo;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.operators.testutils.MockEnvironment;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;

/** The operator in Flink's harness: the test's thread is the task's, and runs its mails. */
final class OperatorFixture implements AutoCloseable {

    static final Path MODEL = Path.of(System.getProperty("millrace.root"), "models", "demo-vl");
    static final int MAX_PARALLELISM = 8;

    private final OneInputStreamOperatorTestHarness<InboundPrompt, TokenEvent> harness;
    private HashingExecutor executor;

    private OperatorFixture(OperatorConfig config, ModelExecutorFactory executors, int parallelism, int subtask)
            throws Exception {
        this(new InferenceOperatorFactory(config, executors), parallelism, subtask);
    }

    private OperatorFixture(InferenceOperatorFactory operators, int parallelism, int subtask) throws Exception {
        this(new OneInputStreamOperatorTestHarness<>(operators, MAX_PARALLELISM, parallelism, subtask));
    }

    private OperatorFixture(OneInputStreamOperatorTestHarness<InboundPrompt, TokenEvent> harness) {
        this.harness = harness;
        harness.setup(new AvroTypeInfo<>(TokenEvent.class).createSerializer(new SerializerConfigImpl()));
    }

    /** One whose TaskManager has been assigned these GPUs; the test opens it. */
    static OperatorFixture unopenedWithGpus(ModelExecutorFactory executors, String... indices) throws Exception {
        Set<ExternalResourceInfo> gpus = Arrays.stream(indices).map(Gpu::new).collect(Collectors.toSet());
        MockEnvironment environment = new MockEnvironmentBuilder()
                .setExternalResourceInfoProvider(name -> name.equals("gpu") ? gpus : Set.of())
                .build();
        return new OperatorFixture(new OneInputStreamOperatorTestHarness<>(
                new InferenceOperatorFactory(config(QueueLimits.DEFAULT), executors), environment));
    }

    /** As Flink's GPU plugin describes one. */
    private record Gpu(String index) implements ExternalResourceInfo {
        @Override
        public Optional<String> getProperty(String key) {
            return key.equals("index") ? Optional.of(index) : Optional.empty();
        }

        @Override
        public Collection<String> getKeys() {
            return Set.of("index");
        }
    }

    static OperatorFixture open() throws Exception {
        return open(config(QueueLimits.DEFAULT));
    }

    static OperatorFixture open(OperatorConfig config) throws Exception {
        return new OperatorFixture(config, new HashingExecutor.Factory(), 1, 0).start();
    }

    /** One whose model is in this folder, or not; the test opens it. */
    static OperatorFixture unopened(String model) throws Exception {
        return unopened(config(model, new LimitSettings(64, 8, 512), QueueLimits.DEFAULT));
    }

    /** One that the test opens. */
    static OperatorFixture unopened(OperatorConfig config) throws Exception {
        return new OperatorFixture(config, new HashingExecutor.Factory(), 1, 0);
    }

    /** With an executor that computes of itself; with the state of an earlier one, or null. */
    static OperatorFixture open(ModelExecutorFactory executors, OperatorSubtaskState state) throws Exception {
        return open(config(QueueLimits.DEFAULT), executors, state);
    }

    static OperatorFixture open(OperatorConfig config, ModelExecutorFactory executors, OperatorSubtaskState state)
            throws Exception {
        var fixture = new OperatorFixture(config, executors, 1, 0);
        if (state != null) {
            fixture.harness.initializeState(state);
        }
        fixture.harness.open();
        return fixture;
    }

    /** With a line to those who ask; with the state of an earlier one, or null. */
    static OperatorFixture open(Control.Factory controls, OperatorSubtaskState state) throws Exception {
        var operators =
                new InferenceOperatorFactory(config(QueueLimits.DEFAULT), new HashingExecutor.Factory(), controls);
        var fixture = new OperatorFixture(operators, 1, 0);
        if (state != null) {
            fixture.harness.initializeState(state);
        }
        return fixture.start();
    }

    /** One subtask of so many, with its share of a checkpoint that so many others made. */
    static OperatorFixture restore(OperatorSubtaskState state, int oldParallelism, int parallelism, int subtask)
            throws Exception {
        return restore(config(QueueLimits.DEFAULT), state, oldParallelism, parallelism, subtask);
    }

    static OperatorFixture restore(
            OperatorConfig config, OperatorSubtaskState state, int oldParallelism, int parallelism, int subtask)
            throws Exception {
        var fixture = new OperatorFixture(config, new HashingExecutor.Factory(), parallelism, subtask);
        fixture.harness.initializeState(OneInputStreamOperatorTestHarness.repartitionOperatorState(
                state, MAX_PARALLELISM, oldParallelism, parallelism, subtask));
        return fixture.start();
    }

    private OperatorFixture start() throws Exception {
        HashingExecutor.OPENED.clear();
        harness.open();
        executor = HashingExecutor.OPENED.take();
        return this;
    }

    static OperatorConfig config(QueueLimits queue) {
        return config(MODEL.toString(), new LimitSettings(64, 8, 512), queue);
    }

    static OperatorConfig config(LimitSettings limits) {
        return config(MODEL.toString(), limits, QueueLimits.DEFAULT);
    }

    private static OperatorConfig config(String model, LimitSettings limits, QueueLimits queue) {
        return new OperatorConfig(
                model,
                List.of("demo-vl"),
                limits,
                ExecutorConfig.DEFAULT.withCache(Cache.ofBlocks(200)).withMediaRows(64),
                Scheduling.DEFAULT,
                SamplingDefaults.CHECKPOINT,
                20,
                MediaSettings.DEFAULT,
                queue,
                null,
                true);
    }

    HashingExecutor executor() {
        return executor;
    }

    OneInputStreamOperatorTestHarness<InboundPrompt, TokenEvent> harness() {
        return harness;
    }

    void send(PromptRequest request) throws Exception {
        send(Requests.inbound(request));
    }

    void send(InboundPrompt inbound) throws Exception {
        harness.processElement(new StreamRecord<>(inbound));
    }

    /** Runs the task's mails until the condition holds, waiting for them; a test's own timeout ends a vain wait. */
    OperatorFixture runUntil(BooleanSupplier condition) throws Exception {
        while (!condition.getAsBoolean()) {
            harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY).run();
        }
        return this;
    }

    /** Runs mails until what was sent is prepared; the pool's threads may bring it in any order, and late. */
    OperatorFixture runUntilPrepared() throws Exception {
        return runUntil(() -> snapshots().stream().allMatch(request -> request.work() instanceof Prepared));
    }

    /** Lets steps be computed and runs mails until all these requests have ended. */
    OperatorFixture runToEnd(String... ids) throws Exception {
        if (executor != null) {
            executor.allow(100_000);
        }
        return runUntil(() -> List.of(ids).stream().allMatch(this::hasEnded));
    }

    private boolean hasEnded(String id) {
        return events().stream().anyMatch(event -> event.getRequestId().equals(id) && event.getFinishReason() != null)
                && !List.of(queuedIds()).contains(id);
    }

    /** Requests that are unfinished. */
    List<RequestSnapshot> snapshots() {
        return ((InferenceOperator) harness.getOperator()).snapshots();
    }

    int queued() {
        return snapshots().size();
    }

    String[] queuedIds() {
        return snapshots().stream()
                .map(snapshot -> snapshot.header().requestId())
                .toArray(String[]::new);
    }

    OperatorSubtaskState snapshot() throws Exception {
        return harness.snapshot(1, 1);
    }

    List<TokenEvent> events() {
        return harness.extractOutputValues();
    }

    /** What a reader has read by now. */
    Answers answers() {
        return Answers.of(events());
    }

    /** The gate that a source chained to the operator finds. */
    AdmissionGate gate() {
        String attempt = harness.getEnvironment().getExecutionId().toString();
        return AdmissionGate.of(new UnregisteredMetricsGroup() {
            @Override
            public Map<String, String> getAllVariables() {
                return Map.of("<task_attempt_id>", attempt);
            }
        });
    }

    @Override
    public void close() {
        try {
            harness.close();
        } catch (Exception e) {
            throw new IllegalStateException("the operator cannot be closed", e);
        }
    }
}
