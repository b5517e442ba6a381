package dev.millrace.bench.serve;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SpecDecodeCountsTest {

    @Test
    void whatTheRunAddedIsCountedOverAllEngines() {
        SpecDecodeCounts before = SpecDecodeCounts.parse(page(10, 20, 5, 4, 1));
        SpecDecodeCounts counts = SpecDecodeCounts.parse(
                        page(30, 60, 35, 24, 11) + page(0, 0, 0, 0, 0).replace("\"0\"", "\"1\""))
                .since(before);

        assertThat(counts.drafts()).isEqualTo(20);
        assertThat(counts.acceptanceRate()).isEqualTo(75);
        assertThat(counts.acceptanceLength()).isEqualTo(2.5);
        assertThat(counts.acceptanceRates()).startsWith(1.0, 0.5);
    }

    @Test
    void aServerThatDoesNotSpeculateSaysNothing() {
        assertThat(SpecDecodeCounts.parse("# HELP x\nvllm:num_requests_running{engine=\"0\"} 3.0\n")
                        .isEmpty())
                .isTrue();
    }

    private static String page(double drafts, double tokens, double accepted, double first, double second) {
        return """
                # TYPE vllm:spec_decode_num_drafts_total counter
                vllm:spec_decode_num_drafts_total{engine="0",model_name="m"} %s
                vllm:spec_decode_num_draft_tokens_total{engine="0",model_name="m"} %s
                vllm:spec_decode_num_accepted_tokens_total{engine="0",model_name="m"} %s
                vllm:spec_decode_num_accepted_tokens_per_pos_total{engine="0",model_name="m",position="0"} %s
                vllm:spec_decode_num_accepted_tokens_per_pos_total{engine="0",model_name="m",position="1"} %s
                vllm:spec_decode_num_drafts_created{engine="0",model_name="m"} 1.7e9
                """
                .formatted(drafts, tokens, accepted, first, second);
    }
}
