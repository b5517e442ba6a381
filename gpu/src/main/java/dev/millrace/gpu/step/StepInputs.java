package dev.millrace.gpu.step;

import dev.millrace.gpu.device.Device;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.PinnedBuffer;
import dev.millrace.gpu.device.Stream;
import dev.millrace.model.executor.ForwardBatch;
import java.nio.IntBuffer;

/**
 * The step's arrays on the device, and the staging buffers that they come from, one for each step that may be in flight.
 * A step travels in one copy. Addresses are those of the step that was staged last.
 */
public final class StepInputs {

    /** More changes of block tables than this and the tables are copied as a whole. */
    static final int MOST_UPDATES = 8192;

    private static final int NO_MEDIA = -1;

    private final DeviceBuffer device;
    private final PinnedBuffer[] staging;
    private final IntBuffer[] views;
    private final BlockTables tables;
    private final int dummyRow;
    private final int[] fillingDraw;
    private StepLayout layout;
    private int fewestTokens;
    private int mostTokens;
    private boolean verifies;
    private ForwardBatch batch; // the one staged last

    /** @param slots staging buffers */
    public StepInputs(Device device, StepLimits limits, int slots) {
        this(device, limits, slots, new BlockTables(device, limits.rows(), limits.tableLength()));
    }

    /** Of steps of another model, in whose steps' place they come, for the same sequences. */
    public StepInputs(Device device, StepLimits limits, int slots, StepInputs others) {
        this(device, limits, slots, others.tables);
    }

    private StepInputs(Device device, StepLimits limits, int slots, BlockTables tables) {
        this.tables = tables;
        dummyRow = limits.rows();
        fillingDraw = new int[Draws.INTS];
        Draws.put(fillingDraw, 0, dummyRow, 0, 0, 0);
        long bytes = Integer.BYTES
                * (long) new StepLayout(
                                limits.tokens(),
                                limits.computedSequences(),
                                limits.samples(),
                                MOST_UPDATES,
                                limits.rows())
                        .length();
        this.device = device.allocate(bytes, "inputs of a step");
        staging = new PinnedBuffer[slots];
        views = new IntBuffer[slots];
        for (int slot = 0; slot < slots; slot++) {
            staging[slot] = device.allocatePinned(bytes, "staging of a step's inputs");
            views[slot] = staging[slot].bytes().asIntBuffer();
        }
    }

    /**
     * Copies a step to the device.
     *
     * @param fill sequences of one token and without meaning that are added behind the step's, all of whose sequences are
     *     sampled from then
     * @param slot staging buffer, which no earlier step's copy still reads
     */
    public void stage(Stream stream, ForwardBatch batch, int fill, int slot) {
        stage(stream, batch, Draws.of(batch, dummyRow), fill, slot);
    }

    /** The same with draws [R, 8] that have to do with another step's tokens. */
    void stage(Stream stream, ForwardBatch batch, int[] draws, int fill, int slot) {
        int[] updates = tables.apply(batch.tableUpdates());
        boolean whole = updates.length > 3 * MOST_UPDATES;
        layout = new StepLayout(
                batch.numTokens() + fill,
                batch.numSequences() + fill,
                batch.numSamples() + fill,
                whole ? 0 : updates.length / 3,
                batch.copyPairs().length / 2);
        fewestTokens = fill > 0 ? 1 : Integer.MAX_VALUE;
        mostTokens = 1;
        this.batch = batch;
        IntBuffer to = views[slot];
        putTokens(to, batch, fill);
        putSequences(to, batch, fill);
        putSamples(to, batch, draws, fill);
        to.put(layout.copyPairList(), batch.copyPairs());
        if (whole) {
            tables.copyAll(stream);
        } else {
            to.put(layout.tableUpdateTriples(), updates);
        }
        stream.copyToDevice(device, 0, staging[slot], 0, (long) layout.length() * Integer.BYTES);
    }

    private void putTokens(IntBuffer to, ForwardBatch batch, int fill) {
        int tokens = batch.numTokens();
        put(to, layout.ids(), batch.ids(), 0, tokens, fill, 0);
        put(to, layout.mediaRow(), batch.mediaRow(), 0, tokens, fill, NO_MEDIA);
        for (int axis = 0; axis < 3; axis++) {
            put(to, layout.positions() + axis * layout.tokens(), batch.positions(), axis * tokens, tokens, fill, 0);
        }
    }

    private void putSequences(IntBuffer to, ForwardBatch batch, int fill) {
        int sequences = batch.numSequences();
        to.put(layout.cuQ(), batch.cuQ());
        for (int s = 0; s < sequences; s++) {
            int tokens = batch.cuQ()[s + 1] - batch.cuQ()[s];
            fewestTokens = Math.min(fewestTokens, tokens);
            mostTokens = Math.max(mostTokens, tokens);
        }
        putRising(to, layout.cuQ() + sequences + 1, batch.numTokens() + 1, fill);
        put(to, layout.contextLength(), batch.contextLength(), 0, sequences, fill, 1);
        put(to, layout.row(), batch.row(), 0, sequences, fill, dummyRow);
    }

    private void putSamples(IntBuffer to, ForwardBatch batch, int[] draws, int fill) {
        int samples = batch.numSamples();
        to.put(layout.sampleToken(), batch.sampleToken());
        putRising(to, layout.sampleToken() + samples, batch.numTokens(), fill);
        to.put(layout.draws(), draws);
        verifies = Draws.haveDrafts(draws);
        for (int i = samples; i < samples + fill; i++) {
            to.put(layout.draws() + Draws.INTS * i, fillingDraw);
        }
    }

    private static void put(IntBuffer to, int at, int[] values, int from, int count, int fill, int filler) {
        to.put(at, values, from, count);
        for (int i = 0; i < fill; i++) {
            to.put(at + count + i, filler);
        }
    }

    private static void putRising(IntBuffer to, int at, int first, int count) {
        for (int i = 0; i < count; i++) {
            to.put(at + i, first + i);
        }
    }

    /** T. */
    public int tokens() {
        return layout.tokens();
    }

    /** S. */
    public int sequences() {
        return layout.sequences();
    }

    /** R. */
    public int samples() {
        return layout.samples();
    }

    /** Tokens of the sequence that has the fewest in the step. */
    public int fewestTokens() {
        return fewestTokens;
    }

    /** Tokens of the sequence that has the most in the step. */
    public int mostTokens() {
        return mostTokens;
    }

    /** The longest context among sequences that have from {@code fewest} to {@code most} tokens in the step, or 0. */
    public int longestContext(int fewest, int most) {
        int longest = 0;
        for (int s = 0; s < batch.numSequences(); s++) {
            int tokens = batch.cuQ()[s + 1] - batch.cuQ()[s];
            if (tokens >= fewest && tokens <= most) {
                longest = Math.max(longest, batch.contextLength()[s]);
            }
        }
        return longest;
    }

    /** Whether samples come after drafts. */
    public boolean verifiesDrafts() {
        return verifies;
    }

    /** U. */
    public int tableUpdates() {
        return layout.tableUpdates();
    }

    /** C. */
    public int copyPairs() {
        return layout.copyPairs();
    }

    /** Address of ids [T]. */
    public long ids() {
        return address(layout.ids());
    }

    /** Address of mediaRow [T]. */
    public long mediaRow() {
        return address(layout.mediaRow());
    }

    /** Address of positions [3, T]. */
    public long positions() {
        return address(layout.positions());
    }

    /** Address of cuQ [S+1]. */
    public long cuQ() {
        return address(layout.cuQ());
    }

    /** Address of contextLength [S]. */
    public long contextLength() {
        return address(layout.contextLength());
    }

    /** Address of row [S]. */
    public long row() {
        return address(layout.row());
    }

    /** Address of sampleToken [R]. */
    public long sampleToken() {
        return address(layout.sampleToken());
    }

    /** Address of the draws [R, 8]: row, position, first draft in the step and number of drafts before it. */
    public long draws() {
        return address(layout.draws());
    }

    /** Address of the changes of block tables [U, 3]. */
    public long tableUpdateTriples() {
        return address(layout.tableUpdateTriples());
    }

    /** Address of the pairs of blocks [C, 2]. */
    public long copyPairList() {
        return address(layout.copyPairList());
    }

    /** Block tables, int32[rows+1, tableLength]; the last row's blocks are all the null block. */
    public DeviceBuffer tables() {
        return tables.device();
    }

    public int tableLength() {
        return tables.length();
    }

    /** All arrays of the step, the ids first. */
    public DeviceBuffer device() {
        return device;
    }

    private long address(int start) {
        return device.address() + (long) start * Integer.BYTES;
    }
}
