package dev.millrace.gpu.operations;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.kernel.CacheShape;
import dev.millrace.gpu.kernel.DecodeAttention;
import dev.millrace.gpu.kernel.Derived;
import dev.millrace.gpu.kernel.PagedAttention;
import dev.millrace.gpu.kernel.PrefillAttention;
import dev.millrace.gpu.step.SingleTokens;
import dev.millrace.gpu.step.StepInputs;
import dev.millrace.gpu.step.StepLimits;

/**
 * Attention with the kernel that fits: which one a sequence gets depends on the model and on its own tokens in the step. One
 * that no sequence of the step needs is not launched.
 */
public final class Attention {

    private static final int LEAVE_NONE = 0;

    private final CacheShape shape;
    private final DecodeAttention few; // null where there is none for the shape, as the next
    private final PrefillAttention many;
    private final PagedAttention any; // null where there is one for many

    /** @param limits of a step */
    Attention(Device device, CacheShape shape, StepLimits limits) {
        this.shape = shape;
        int sequences = limits.computedSequences();
        few = DecodeAttention.supports(shape)
                ? new DecodeAttention(device, shape, sequences, splits(limits, sequences), limits.drafts())
                : null;
        many = PrefillAttention.serves(shape) ? new PrefillAttention(device, shape, limits.tokens(), sequences) : null;
        any = many == null ? new PagedAttention(device, shape) : null;
    }

    /** Of a step with so many sequences, of which those that a row has more than one of have short contexts. */
    private static long splits(StepLimits limits, int sequences) {
        int others = Math.max(0, sequences - limits.rows());
        int shorter = Math.min(limits.context(), SingleTokens.LONG_CONTEXT);
        return (long) Math.min(sequences, limits.rows()) * DecodeAttention.splits(limits.context())
                + (long) others * DecodeAttention.splits(shorter);
    }

    /** Finds out what there is to do in a step; once, before the first layer. */
    void plan(Stream stream, StepInputs inputs) {
        if (needsFew(inputs)) {
            few.plan(stream, inputs);
        }
    }

    /** out[T, outStride] ← what the heads of q[T, Hq, hd] attend to in the layer's cache. */
    void launch(
            Stream stream,
            DeviceBuffer q,
            DeviceBuffer cache,
            StepInputs inputs,
            Derived derived,
            int outStride,
            DeviceBuffer out) {
        if (any != null) {
            any.launch(stream, q, cache, inputs, derived, outStride, out);
            return;
        }
        if (needsFew(inputs)) {
            few.launch(stream, q, cache, inputs, outStride, out);
        }
        if (!DecodeAttention.takes(shape, inputs.mostTokens())) {
            int leave = few == null ? LEAVE_NONE : DecodeAttention.MOST_QUERIES;
            many.launch(stream, q, cache, inputs, leave, outStride, out);
        }
    }

    private boolean needsFew(StepInputs inputs) {
        return DecodeAttention.takes(shape, inputs.fewestTokens());
    }
}
