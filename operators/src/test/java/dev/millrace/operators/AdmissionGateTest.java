package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.junit.jupiter.api.Test;

class AdmissionGateTest {

    private static final MetricGroup SOURCE = new UnregisteredMetricsGroup() {
        @Override
        public Map<String, String> getAllVariables() {
            return Map.of("<task_attempt_id>", "attempt-7");
        }
    };

    @Test
    void theSourceOfATaskFindsTheGateOfItsOperator() {
        try (var gate = AdmissionGate.create("attempt-7")) {
            assertThat(AdmissionGate.of(SOURCE)).isSameAs(gate);
        }
    }

    @Test
    void aSourceWithoutAnOperatorIsToldHowToChainThem() {
        try (var gate = AdmissionGate.create("attempt-8")) {
            assertThat(gate.isClosed()).isFalse();
            assertThatThrownBy(() -> AdmissionGate.of(SOURCE))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("no inference operator is chained");
        }
    }

    @Test
    void aGateThatWasClosedForGoodIsForgotten() {
        AdmissionGate.create("attempt-7").close();
        assertThatThrownBy(() -> AdmissionGate.of(SOURCE)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whoWaitsHearsOfTheOpening() {
        try (var gate = AdmissionGate.create("attempt-7")) {
            gate.setClosed(true);
            var waiting = gate.whenOpen();
            gate.setClosed(true);
            assertThat(gate.whenOpen()).isSameAs(waiting).isNotDone();
            gate.setClosed(false);
            assertThat(waiting).isDone();
            assertThat(gate.isClosed()).isFalse();
        }
    }

    @Test
    void theEndOfInputWaitsUntilTheOperatorIsIdle() {
        try (var gate = AdmissionGate.create("attempt-7")) {
            assertThat(gate.isIdle()).isTrue();
            gate.setIdle(false);
            var end = gate.whenIdle();
            assertThat(gate.isIdle()).isFalse();
            gate.setIdle(true);
            assertThat(end).isDone();
        }
    }
}
