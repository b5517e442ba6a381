package dev.millrace.operators.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.operators.engine.EngineFixture.AllocatorFactory;
import dev.millrace.operators.kvcache.BlockHasher;
import dev.millrace.operators.kvcache.BrokenAllocators.ForgetsReference;
import dev.millrace.operators.kvcache.BrokenAllocators.ForgetsToFree;
import dev.millrace.operators.kvcache.BrokenAllocators.FreesTwice;
import dev.millrace.operators.kvcache.BrokenAllocators.HandsOutHeldBlock;
import dev.millrace.operators.kvcache.BrokenAllocators.IgnoresMedia;
import dev.millrace.operators.kvcache.BrokenAllocators.IgnoresParent;
import dev.millrace.operators.kvcache.BrokenAllocators.RegistersEarly;
import dev.millrace.operators.kvcache.PoisoningAllocator;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RandomOperationsTest {

    private static final int OPERATIONS = 1_000;
    private static final int SEEDS = 250;
    private static final BlockHasher HASHER = new BlockHasher(EngineFixture.BLOCK_SIZE);

    @Test
    void everyAnswerIsThatOfAnUndisturbedEngine() {
        long preemptions = 0;
        long prefixHits = 0;
        long forks = 0;
        long copies = 0;
        long accepted = 0;
        long rejected = 0;
        long drafted = 0;
        long incomplete = 0;
        for (long seed = 0; seed < SEEDS; seed++) {
            RandomWorkload workload = run(seed, PoisoningAllocator::new, HASHER);
            preemptions += workload.preemptions();
            prefixHits += workload.prefixHits();
            forks += workload.forks();
            copies += workload.copies();
            accepted += workload.acceptedDrafts();
            rejected += workload.rejectedDrafts();
            drafted += workload.draftContexts();
            incomplete += workload.incompleteDraftContexts();
        }
        assertThat(preemptions).as("the workload makes blocks scarce").isGreaterThan(1_000);
        assertThat(prefixHits).as("the workload shares prefixes").isGreaterThan(10_000);
        assertThat(forks).as("the workload forks").isGreaterThan(1_000);
        assertThat(copies).as("forked sequences part").isGreaterThan(forks);
        assertThat(accepted).as("drafts are right").isGreaterThan(10_000);
        assertThat(rejected).as("drafts are wrong").isGreaterThan(10_000);
        assertThat(incomplete).as("the draft model sees the tokens").isLessThan(drafted / 50);
    }

    static Stream<Map.Entry<String, AllocatorFactory>> brokenAllocators() {
        return Map.<String, AllocatorFactory>of(
                "frees twice", FreesTwice::new,
                "forgets to free", ForgetsToFree::new,
                "forgets a reference", ForgetsReference::new,
                "hands out a held block", HandsOutHeldBlock::new,
                "registers before written", RegistersEarly::new)
                .entrySet()
                .stream();
    }

    @ParameterizedTest
    @MethodSource("brokenAllocators")
    void aBrokenAllocatorIsFound(Map.Entry<String, AllocatorFactory> broken) {
        assertThatThrownBy(() -> runAll(broken.getValue(), HASHER))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("seed");
    }

    static Stream<BlockHasher> brokenHashers() {
        return Stream.of(new IgnoresMedia(EngineFixture.BLOCK_SIZE), new IgnoresParent(EngineFixture.BLOCK_SIZE));
    }

    @ParameterizedTest
    @MethodSource("brokenHashers")
    void aBrokenHasherIsFound(BlockHasher broken) {
        assertThatThrownBy(() -> runAll(PoisoningAllocator::new, broken))
                .isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("seed");
    }

    @Test
    void mediaReadBeforeTheyAreEncodedAreFound() {
        assertThatThrownBy(() -> {
                    for (long seed = 0; seed < SEEDS; seed++) {
                        run(new RandomWorkload(seed, PoisoningAllocator::new, HASHER, true), seed);
                    }
                })
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("was reported before it is read");
    }

    private static void runAll(AllocatorFactory allocators, BlockHasher hasher) {
        for (long seed = 0; seed < SEEDS; seed++) {
            run(seed, allocators, hasher);
        }
    }

    private static RandomWorkload run(long seed, AllocatorFactory allocators, BlockHasher hasher) {
        return run(new RandomWorkload(seed, allocators, hasher, false), seed);
    }

    private static RandomWorkload run(RandomWorkload workload, long seed) {
        try {
            workload.run(OPERATIONS);
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
        }
        return workload;
    }
}
