package dev.millrace.operators;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.operators.state.RequestSnapshot;
import dev.millrace.operators.state.RequestSnapshot.Prepared;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.streaming.util.OperatorSnapshotUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Savepoints of earlier versions: {@code operator-v1.snapshot} has answers in the middle and one just begun. */
@Timeout(60)
class SavepointTest {

    private static final List<String> PROMPTS =
            List.of("Describe the picture", "What is red?", "图片里有什么?", "Count to ten");
    private static final Path FILE =
            Path.of(System.getProperty("millrace.root"), "operators/src/test/resources/state/operator-v1.snapshot");

    @Test
    void aSavepointOfVersionOneContinuesWithTheSameTokens() throws Exception {
        try (var whole = OperatorFixture.open();
                var restored =
                        OperatorFixture.restore(OperatorSnapshotUtil.readStateHandle(FILE.toString()), 1, 1, 0)) {
            assertThat(restored.queued()).isEqualTo(PROMPTS.size());
            List<RequestSnapshot> before = restored.snapshots();
            sendAll(whole);
            whole.runToEnd(restored.queuedIds());
            restored.runToEnd(restored.queuedIds());
            for (RequestSnapshot request : before) {
                assertContinued(request, whole.answers(), restored);
            }
        }
    }

    private static void assertContinued(RequestSnapshot request, Answers whole, OperatorFixture restored) {
        String id = request.header().requestId();
        var progress = ((Prepared) request.work()).choices().get(0);
        List<Integer> further = restored.events().stream()
                .filter(event -> event.getRequestId().equals(id))
                .flatMap(event -> event.getTokenIds().stream())
                .toList();
        List<Integer> all = whole.tokens(id);
        assertThat(progress.tokens()).hasSizeLessThan(all.size());
        assertThat(further).isEqualTo(all.subList(progress.tokens().length, all.size()));
    }

    private static void sendAll(OperatorFixture operator) throws Exception {
        for (int i = 0; i < PROMPTS.size(); i++) {
            operator.send(Requests.prompt("golden-" + i, PROMPTS.get(i), 20 + i));
        }
    }

    /** Writes the file of the present version; to be run once, when a version is made. */
    public static void main(String[] args) throws Exception {
        try (var operator = OperatorFixture.open()) {
            sendAll(operator);
            operator.executor().allow(6);
            operator.runUntil(() -> operator.executor().computed() == 6
                    && operator.snapshots().stream().allMatch(request -> request.work() instanceof Prepared));
            OperatorSnapshotUtil.writeStateHandle(operator.snapshot(), FILE.toString());
        }
    }
}
