package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.sampling.GpuSampler;
import dev.millrace.gpu.sampling.SampleInputs;
import dev.millrace.gpu.step.StepInputs;
import dev.millrace.model.executor.ForwardBatch;

/** What becomes of a step's logits. */
public interface Drawing {

    /** Takes note of the rows that sequences take over, outside of any graph. */
    void apply(Stream stream, ForwardBatch batch);

    /** i[rows+1]: the token that stands for the latest one of each row. */
    DeviceBuffer lastTokens();

    /** Draws from logits fp32[R, ·]. */
    void draw(Stream stream, DeviceBuffer logits, StepInputs inputs);

    /** Leaves in the rows what was accepted of the step's drafts; outside of any graph. */
    void accept(Stream stream, StepInputs inputs);

    /** Tokens that the rows' sequences go on with. */
    record Samples(GpuSampler sampler, int vocabSize) implements Drawing {

        @Override
        public void apply(Stream stream, ForwardBatch batch) {
            sampler.apply(stream, batch);
        }

        @Override
        public DeviceBuffer lastTokens() {
            return sampler.lastTokens();
        }

        @Override
        public void draw(Stream stream, DeviceBuffer logits, StepInputs inputs) {
            sampler.sample(stream, logits, vocabSize, of(inputs, inputs));
        }

        @Override
        public void accept(Stream stream, StepInputs inputs) {
            if (inputs.verifiesDrafts()) {
                sampler.accept(stream, of(inputs, inputs));
            }
        }
    }

    /**
     * Drafts, which take their places among the ids of the step that they are made for.
     *
     * @param lastTokens i[rows+1], of drafts alone
     * @param step inputs of that step
     * @param stride from one sample's logits to the next one's
     */
    record Drafts(GpuSampler sampler, DeviceBuffer lastTokens, StepInputs step, int stride) implements Drawing {

        @Override
        public void apply(Stream stream, ForwardBatch batch) {
            // the step itself does
        }

        @Override
        public void draw(Stream stream, DeviceBuffer logits, StepInputs inputs) {
            sampler.draft(stream, logits, stride, of(inputs, step), lastTokens);
        }

        @Override
        public void accept(Stream stream, StepInputs inputs) {
            // drafts are accepted by the step
        }
    }

    /** @param ids the step among whose ids drafts stand */
    private static SampleInputs of(StepInputs inputs, StepInputs ids) {
        return new SampleInputs(inputs.samples(), inputs.draws(), ids.ids());
    }
}
