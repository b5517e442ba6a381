package dev.millrace.cpu.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ThreadTeamTest {

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void everyItemIsDoneOnceInEveryLoop(int threads) {
        try (ThreadTeam team = new ThreadTeam(threads)) {
            for (int items = 0; items < 300; items++) {
                AtomicIntegerArray done = new AtomicIntegerArray(items);
                AtomicInteger strangers = new AtomicInteger();
                team.run(items, 1 + items % 7, (worker, from, to) -> {
                    strangers.addAndGet(worker < threads ? 0 : 1);
                    for (int i = from; i < to; i++) {
                        done.incrementAndGet(i);
                    }
                });
                for (int i = 0; i < items; i++) {
                    assertThat(done.get(i)).isEqualTo(1);
                }
                assertThat(strangers).hasValue(0);
            }
        }
    }

    @Test
    void whatABodyThrowsReachesTheCallerAndTheTeamGoesOn() {
        try (ThreadTeam team = new ThreadTeam(2)) {
            assertThatThrownBy(() -> team.run(100, 1, (worker, from, to) -> {
                        if (from <= 57 && to > 57) {
                            throw new IllegalStateException("item 57");
                        }
                    }))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("item 57");
            AtomicInteger done = new AtomicInteger();
            team.run(100, 1, (worker, from, to) -> done.addAndGet(to - from));
            assertThat(done).hasValue(100);
        }
    }

    @Test
    void aTeamOfNobodyIsRefused() {
        assertThatThrownBy(() -> new ThreadTeam(0)).hasMessageContaining("threads: 0");
    }
}
