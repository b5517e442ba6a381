package dev.millrace.operators;

import dev.millrace.model.InvalidInputException;
import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.executor.Limits;
import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.operators.engine.EngineConfig;
import dev.millrace.operators.engine.InferenceEngine;
import dev.millrace.operators.metrics.EngineMetrics;
import dev.millrace.operators.metrics.RequestMetrics;
import dev.millrace.operators.metrics.SpeculationLine;
import dev.millrace.operators.metrics.StatsLine;
import dev.millrace.operators.scheduler.Scheduling.Policy;
import dev.millrace.operators.state.RequestSnapshot;
import dev.millrace.operators.state.RequestStore;
import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.TokenEvent;
import java.io.IOException;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Future;
import org.apache.flink.core.fs.AutoCloseableRegistry;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.OutputTag;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns prompts into token events. Only Flink's side of the work is here: what comes in goes to {@link RequestLifecycle},
 * what the pool and the executor bring comes as mails, and a checkpoint writes the unfinished requests. Nothing blocks the
 * task's thread: prompts, barriers, timers and completed steps take turns on it.
 */
public final class InferenceOperator extends AbstractStreamOperator<TokenEvent>
        implements OneInputStreamOperator<InboundPrompt, TokenEvent>, BoundedOneInput {

    /** Records that no request could be made of, as they came; each is answered with an error event as well. */
    public static final OutputTag<InboundPrompt> DEAD_LETTERS =
            new OutputTag<>("dead-letters", new AvroTypeInfo<>(InboundPrompt.class));

    private static final Logger LOGGER = LoggerFactory.getLogger(InferenceOperator.class);
    private static final long STATS_MILLIS = 10_000;
    private static final long STATUS_MILLIS = 1_000;

    /** Flink's external resource, and the property of it that its GPU plugin sets (GPUInfo). */
    private static final String GPU = "gpu";

    private static final String GPU_INDEX = "index";

    private final OperatorConfig config;
    private final transient ModelExecutorFactory executors;
    private final transient Control.Factory controls;
    private final transient Mails mails;
    private final transient AutoCloseableRegistry resources = new AutoCloseableRegistry();

    private transient RequestStore store;
    private transient RequestTracker tracker;
    private transient RequestLifecycle requests;
    private transient InferenceEngine engine;
    private transient EngineMetrics engineMetrics;

    InferenceOperator(
            StreamOperatorParameters<TokenEvent> parameters,
            OperatorConfig config,
            ModelExecutorFactory executors,
            Control.Factory controls) {
        super(parameters);
        this.config = config;
        this.executors = executors;
        this.controls = controls;
        this.mails = new Mails(parameters.getMailboxExecutor());
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        int taskAttempt = getRuntimeContext().getTaskInfo().getAttemptNumber();
        store = new RequestStore(context.getOperatorStateStore(), taskAttempt);
    }

    @Override
    public void open() throws Exception {
        super.open();
        var gate = AdmissionGate.create(
                getContainingTask().getEnvironment().getExecutionId().toString());
        resources.registerCloseable(gate);
        tracker = new RequestTracker(config.queue(), gate);
        ServingModel model = openModel();
        resources.registerCloseable(model.executor());
        requests = new RequestLifecycle(
                tracker,
                new TokenEvents(model.tokenizer(), store.attempt()),
                new RequestMetrics(getMetricGroup()),
                timers(),
                event -> output.collect(new StreamRecord<>(event)));
        engine = new InferenceEngine(
                new EngineConfig(model.limits(), config.scheduling()),
                model.executor(),
                model.tokenizer(),
                new ExecutorMails(mails, this::step, this::encoded),
                requests);
        PreparationPool preparation = preparation(model);
        resources.registerCloseable(preparation);
        requests.connect(preparation, engine);
        registerMetrics(gate, preparation);
        restore();
        openControl(model.limits());
    }

    private void openControl(Limits limits) throws IOException {
        Control control = controls.open(new ControlMails(mails, this::cancel));
        resources.registerCloseable(control);
        var report = new StatusReport(
                config, limits, subtask(), getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks());
        getProcessingTimeService()
                .scheduleWithFixedDelay(
                        time -> control.publish(report.of(engine.stats(), tracker.size(), Instant.ofEpochMilli(time))),
                        0,
                        STATUS_MILLIS);
    }

    private void cancel(List<Cancel> cancels) {
        cancels.forEach(requests::cancel);
        engine.launchSteps();
    }

    /**
     * A configuration, checkpoint or JVM with which the job cannot even begin ends it; restarts would mend nothing. What
     * has worked once is tried again, for another machine may take over or a disk come back.
     */
    private ServingModel openModel() throws Exception {
        try {
            return ServingModel.open(config.onGpus(assignedGpus()), executors);
        } catch (IllegalArgumentException | InvalidInputException | CheckpointException e) {
            throw getRuntimeContext().getTaskInfo().getAttemptNumber() == 0 ? new SuppressRestartsException(e) : e;
        }
    }

    /** GPUs that the cluster gives to this TaskManager; none where it has not configured any. */
    private List<String> assignedGpus() {
        return getRuntimeContext().getExternalResourceInfos(GPU).stream()
                .flatMap(gpu -> gpu.getProperty(GPU_INDEX).stream())
                .sorted()
                .toList();
    }

    private PreparationPool preparation(ServingModel model) {
        Comparator<TrackedRequest> order = Comparator.comparingLong(TrackedRequest::arrival);
        if (config.scheduling().policy() == Policy.PRIORITY) {
            order = Comparator.<TrackedRequest>comparingInt(
                            request -> request.header().priority())
                    .thenComparing(order);
        }
        long pixels = config.queue().preparedBytes();
        return new PreparationPool(
                "prepare-" + subtask(),
                model.preparer()::prepare,
                config.queue().preparationThreads(),
                pixels > 0 ? pixels : Runtime.getRuntime().maxMemory() / 4,
                order,
                mails,
                requests);
    }

    private void registerMetrics(AdmissionGate gate, PreparationPool preparation) {
        MetricGroup group = getMetricGroup();
        engineMetrics = new EngineMetrics(group, engine.stats());
        group.gauge("queued_requests", (Gauge<Integer>) tracker::size);
        group.gauge("preparing_requests", (Gauge<Integer>) preparation::pending);
        group.gauge("gate_closed", (Gauge<Integer>) () -> gate.isClosed() ? 1 : 0);
        if (config.logStats()) {
            logStats();
        }
    }

    private void logStats() {
        var line = new StatsLine(subtask(), engine.stats());
        var drafts = new SpeculationLine(engine.stats().speculation());
        double seconds = STATS_MILLIS / 1e3;
        getProcessingTimeService()
                .scheduleWithFixedDelay(
                        time -> {
                            line.next(engine.stats(), seconds).ifPresent(LOGGER::info);
                            drafts.next(engine.stats().speculation(), seconds).ifPresent(LOGGER::info);
                        },
                        STATS_MILLIS,
                        STATS_MILLIS);
    }

    private void restore() throws Exception {
        var restored = store.restore();
        requests.restore(restored);
        if (!restored.isEmpty()) {
            LOGGER.info("Restored {} unfinished requests (attempt {})", restored.size(), store.attempt());
        }
    }

    @Override
    public void processElement(StreamRecord<InboundPrompt> record) {
        InboundPrompt inbound = record.getValue();
        if (inbound.getRequest() == null) {
            output.collect(DEAD_LETTERS, record);
        }
        requests.accept(inbound);
    }

    private void step(StepOutput step) {
        engine.complete(step);
        engine.launchSteps();
        engineMetrics.update(engine.stats());
    }

    private void encoded(long encoding) {
        engine.encoded(encoding);
        engine.launchSteps();
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        store.save(snapshots());
    }

    /** The unfinished requests as a checkpoint keeps them. */
    List<RequestSnapshot> snapshots() {
        return tracker.snapshots();
    }

    /**
     * The gate lets the input end when every request is answered, so nothing is left to wait for, and checkpoints passed
     * until then. Behind a source without a gate, and in a stop that drains, the answers are waited for here.
     */
    @Override
    public void endInput() throws Exception {
        while (!tracker.isEmpty()) {
            mails.runOne();
        }
    }

    @Override
    public void close() throws Exception {
        try (resources) {
            super.close();
        }
    }

    private int subtask() {
        return getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
    }

    private RequestLifecycle.Timers timers() {
        return new RequestLifecycle.Timers() {
            @Override
            public long now() {
                return getProcessingTimeService().getCurrentProcessingTime();
            }

            @Override
            public Future<?> at(long time, Runnable action) {
                return getProcessingTimeService().registerTimer(time, reached -> action.run());
            }
        };
    }
}
