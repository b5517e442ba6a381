package dev.millrace.gpu.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gpu.Randoms;
import dev.millrace.gpu.TestDevice;
import dev.millrace.gpu.device.Arena;
import dev.millrace.gpu.device.DeviceBuffer;
import dev.millrace.gpu.device.Type;
import dev.millrace.gpu.step.StepInputs;
import dev.millrace.gpu.step.StepLimits;
import dev.millrace.model.executor.ForwardBatch;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Keys and values in the last blocks of a large layer, behind 2^31 values where the tests run at full scale (5 GB), give the
 * bits that they give in the first ones.
 */
@Tag("device")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FarSlotsTest {

    private static final double SCALE = Double.parseDouble(System.getProperty("millrace.test.scale", "1"));
    private static final int BLOCKS = SCALE < 1 ? 100 : 150_000;
    private static final int TOKENS = 40;
    private static final int[] NONE = {};

    private TestDevice test;

    @BeforeAll
    void open() {
        test = new TestDevice();
    }

    @AfterAll
    void close() {
        test.close();
    }

    @Test
    void theGenericKernelsReachFarBlocks() {
        CacheShape shape = new CacheShape(Type.BF16, 4, 4, 128);
        DeviceBuffer cache = test.device().allocate(BLOCKS * shape.blockBytes(), "a large layer");
        float[] near = attended(shape, cache, 1, 2, 3);
        assertThat(near).doesNotContain(Float.NaN);
        assertThat(attended(shape, cache, BLOCKS - 1, BLOCKS - 3, BLOCKS - 2)).isEqualTo(near);
        cache.close();
    }

    /** What a prompt in these blocks attends to. */
    private float[] attended(CacheShape shape, DeviceBuffer cache, int... blocks) {
        StepInputs inputs = new StepInputs(test.device(), new StepLimits(TOKENS, 1, 3, BLOCKS, 0, 1), 1);
        inputs.stage(test.stream(), prompt(blocks), 0, 0);
        Arena measuring = Arena.measuring();
        Derived.in(measuring, TOKENS, 1, shape.headDim());
        Arena arena = new Arena(test.device().allocate(measuring.peak(), "what is derived"));
        Derived derived = Derived.in(arena, TOKENS, 1, shape.headDim());
        RopeTable rope = RopeTable.text(test.device(), test.stream(), 10_000, shape.headDim(), null);
        Prepare prepare = new Prepare(test.device(), shape, rope);
        prepare.updateTables(test.stream(), inputs);
        prepare.launch(test.stream(), inputs, test.ints(0), derived);
        Randoms randoms = new Randoms(1);
        DeviceBuffer qkv = test.values(shape.type(), randoms.normal(TOKENS * shape.qkvWidth()));
        DeviceBuffer bias = test.floats(randoms.normal(shape.qkvWidth()));
        DeviceBuffer q = test.poisoned(shape.type(), (long) TOKENS * shape.queryWidth());
        DeviceBuffer out = test.poisoned(shape.type(), (long) TOKENS * shape.queryWidth());
        new QkvRope(test.device(), shape).launch(test.stream(), qkv, TOKENS, bias, derived, q, cache);
        new PagedAttention(test.device(), shape)
                .launch(test.stream(), q, cache, inputs, derived, shape.queryWidth(), out);
        return test.read(shape.type(), out);
    }

    private static ForwardBatch prompt(int... blocks) {
        int[] noMedia = new int[TOKENS];
        Arrays.fill(noMedia, -1);
        return new ForwardBatch(
                0,
                new int[TOKENS],
                noMedia,
                IntStream.range(0, 3 * TOKENS).map(i -> i % TOKENS).toArray(),
                new int[] {0, TOKENS},
                new int[] {TOKENS},
                new int[] {0},
                NONE,
                NONE,
                NONE,
                NONE,
                NONE,
                IntStream.range(0, blocks.length)
                        .flatMap(i -> IntStream.of(0, i, blocks[i]))
                        .toArray(),
                NONE,
                List.of(),
                false);
    }
}
