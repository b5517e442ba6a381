package dev.millrace.job;

import dev.millrace.job.kafka.KafkaEnds;
import dev.millrace.job.kafka.TopicLimits;
import dev.millrace.operators.InferenceOperator;
import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.TokenEvent;
import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.configuration.RestartStrategyOptions.RestartStrategyType;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.core.execution.RecoveryClaimMode;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;

/**
 * The topology: gated source chained to the inference operator, then the sinks as tasks of their own.
 *
 * <p>Every operator has a fixed uid, so that a savepoint is found again by later versions of the job.
 */
public final class InferenceJob {

    /** Subtasks that the job can ever be scaled to; part of the state, so it stays. */
    private static final int MAX_PARALLELISM = 1024;

    /** Longest stay of a token event between operator and sink; the default of 100 ms would show to live readers. */
    private static final Duration BUFFER_TIMEOUT = Duration.ofMillis(1);

    private static final int TOLERATED_CHECKPOINT_FAILURES = 3;

    private InferenceJob() {}

    /**
     * The plan that a cluster's client submits.
     *
     * @param limits what the topics allow
     * @param inference makes the operator; records that it cannot read go to {@link InferenceOperator#DEAD_LETTERS}
     */
    public static JobGraph build(
            JobConfig config, TopicLimits limits, OneInputStreamOperatorFactory<InboundPrompt, TokenEvent> inference) {
        return define(config, limits, inference).getStreamGraph().getJobGraph();
    }

    /**
     * Runs the job where Flink's own client said; returns at once if that is detached, else when the job has ended.
     *
     * @see #build
     */
    public static void execute(
            JobConfig config, TopicLimits limits, OneInputStreamOperatorFactory<InboundPrompt, TokenEvent> inference)
            throws Exception {
        define(config, limits, inference).execute();
    }

    private static StreamExecutionEnvironment define(
            JobConfig config, TopicLimits limits, OneInputStreamOperatorFactory<InboundPrompt, TokenEvent> inference) {
        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(settings(config));
        env.setParallelism(config.parallelism());
        env.setMaxParallelism(MAX_PARALLELISM);
        KafkaEnds kafka = new KafkaEnds(config.kafka(), limits);
        SingleOutputStreamOperator<TokenEvent> tokens = env.fromSource(
                        kafka.prompts(), WatermarkStrategy.noWatermarks(), "prompts")
                .uid("prompts")
                .transform("inference", new AvroTypeInfo<>(TokenEvent.class), inference)
                .uid("inference");
        tokens.sinkTo(kafka.tokens()).name("tokens").uid("tokens").disableChaining();
        if (config.kafka().deadLetterTopic() != null) {
            tokens.getSideOutput(InferenceOperator.DEAD_LETTERS)
                    .sinkTo(kafka.deadLetters())
                    .name("dead-letters")
                    .uid("dead-letters")
                    .disableChaining();
        }
        return env;
    }

    private static Configuration settings(JobConfig config) {
        Configuration settings = new Configuration();
        settings.set(PipelineOptions.NAME, config.name());
        settings.set(PipelineOptions.OBJECT_REUSE, true);
        settings.set(PipelineOptions.GENERIC_TYPES, false);
        settings.set(ExecutionOptions.BUFFER_TIMEOUT, BUFFER_TIMEOUT);
        setCheckpoints(config, settings);
        settings.set(RestartStrategyOptions.RESTART_STRATEGY, RestartStrategyType.EXPONENTIAL_DELAY.getMainValue());
        settings.set(RestartStrategyOptions.RESTART_STRATEGY_EXPONENTIAL_DELAY_INITIAL_BACKOFF, Duration.ofMillis(200));
        if (config.restoreFrom() != null) {
            settings.set(StateRecoveryOptions.SAVEPOINT_PATH, config.restoreFrom());
            // Deleted when a later one is complete: else each restart leaves a checkpoint, with media, behind.
            settings.set(StateRecoveryOptions.RESTORE_MODE, RecoveryClaimMode.CLAIM);
        }
        return settings;
    }

    private static void setCheckpoints(JobConfig config, Configuration settings) {
        settings.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, config.checkpointInterval());
        settings.set(CheckpointingOptions.CHECKPOINTING_CONSISTENCY_MODE, CheckpointingMode.EXACTLY_ONCE);
        settings.set(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER, TOLERATED_CHECKPOINT_FAILURES);
        settings.set(
                CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION,
                ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        if (config.checkpointDir() != null) {
            settings.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, config.checkpointDir());
        }
    }
}
