package dev.millrace.gpu.kernel;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Grid;
import dev.millrace.gpu.device.Stream;
import dev.millrace.gpu.step.StepInputs;

/** What a step derives from its inputs before the first layer ({@code prepare.cu}). */
public final class Prepare {

    private static final int THREADS = 128;

    private final Operation prepare;
    private final Operation updateTables;
    private final CacheShape shape;
    private final RopeTable rope;

    public Prepare(Device device, CacheShape shape, RopeTable rope) {
        prepare = new Operation(device, "prepare", "prepare");
        updateTables = new Operation(device, "prepare", "update_tables");
        this.shape = shape;
        this.rope = rope;
    }

    /** @param lastTokens int32[rows], the token that each row sampled last */
    public void launch(Stream stream, StepInputs inputs, DeviceBuffer lastTokens, Derived derived) {
        prepare.arguments()
                .pointer(inputs.ids())
                .pointer(inputs.positions())
                .pointer(inputs.cuQ())
                .pointer(inputs.contextLength())
                .pointer(inputs.row())
                .pointer(inputs.tables())
                .pointer(lastTokens)
                .pointer(rope.frequencies())
                .pointer(rope.axes())
                .intValue(inputs.tokens())
                .intValue(inputs.sequences())
                .intValue(inputs.tableLength())
                .intValue(shape.headDim() / 2)
                .intValue(shape.group())
                .intValue(PagedAttention.TILE)
                .pointer(derived.tokenIds())
                .pointer(derived.slots())
                .pointer(derived.sequences())
                .pointer(derived.cosines())
                .pointer(derived.sines())
                .pointer(derived.firstItem());
        prepare.launch(stream, Grid.of(inputs.tokens() + 1, THREADS));
    }

    /** Block tables ← the step's changes, of which no two may differ in one entry. */
    public void updateTables(Stream stream, StepInputs inputs) {
        int count = inputs.tableUpdates();
        updateTables
                .arguments()
                .pointer(inputs.tableUpdateTriples())
                .intValue(count)
                .intValue(inputs.tableLength())
                .pointer(inputs.tables());
        updateTables.launch(stream, Grid.of(Operation.blocks(count, THREADS), THREADS));
    }
}
