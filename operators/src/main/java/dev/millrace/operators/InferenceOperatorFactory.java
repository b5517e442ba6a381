package dev.millrace.operators;

import dev.millrace.model.executor.ModelExecutorFactory;
import dev.millrace.schemas.InboundPrompt;
import dev.millrace.schemas.TokenEvent;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.ChainingStrategy;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;

/**
 * Makes the operator that turns prompts into token events. Chain it to a source that keeps to the rules of
 * {@link AdmissionGate}, and to nothing behind it.
 */
public final class InferenceOperatorFactory extends AbstractStreamOperatorFactory<TokenEvent>
        implements OneInputStreamOperatorFactory<InboundPrompt, TokenEvent> {

    private final OperatorConfig config;
    private final ModelExecutorFactory executors;
    private final Control.Factory controls;

    /** One that nobody can cancel requests of, or ask how it is. */
    public InferenceOperatorFactory(OperatorConfig config, ModelExecutorFactory executors) {
        this(config, executors, Control.NONE);
    }

    public InferenceOperatorFactory(OperatorConfig config, ModelExecutorFactory executors, Control.Factory controls) {
        this.config = config;
        this.executors = executors;
        this.controls = controls;
        this.chainingStrategy = ChainingStrategy.ALWAYS;
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T extends StreamOperator<TokenEvent>> T createStreamOperator(
            StreamOperatorParameters<TokenEvent> parameters) {
        return (T) new InferenceOperator(parameters, config, executors, controls);
    }

    @Override
    @SuppressWarnings("rawtypes")
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
        return InferenceOperator.class;
    }
}
