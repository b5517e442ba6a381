package dev.millrace.operators.state;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeutils.base.IntSerializer;

/**
 * Owns all of the operator's Flink state: one element for each unfinished request, spread over the subtasks at a restore,
 * and the attempt's number, which every subtask gets back from all.
 *
 * <p>The attempt's number rises with every restart, not always by one: it is the highest that the checkpoint knows, plus
 * one, plus the number of times that Flink restarted the task since the job was submitted. So it rises when a job fails
 * several times without a checkpoint between, and when it is submitted again from one.
 */
public final class RequestStore {

    private final ListState<RequestSnapshot> requests;
    private final ListState<Integer> attempts;
    private final int attempt;

    /**
     * @param taskAttempt how often Flink restarted the task
     */
    public RequestStore(OperatorStateStore store, int taskAttempt) throws Exception {
        requests = store.getListState(new ListStateDescriptor<>("requests", new RequestSnapshotTypeSerializer()));
        attempts = store.getUnionListState(new ListStateDescriptor<>("attempts", IntSerializer.INSTANCE));
        int highest = -1;
        for (int before : attempts.get()) {
            highest = Math.max(highest, before);
        }
        attempt = highest + 1 + taskAttempt;
    }

    /** This attempt's number. */
    public int attempt() {
        return attempt;
    }

    /**
     * The requests that the checkpoint gave this subtask, in order of arrival. They may come from several subtasks; where
     * two arrived as the same number, the older goes first.
     */
    public List<RequestSnapshot> restore() throws Exception {
        List<RequestSnapshot> restored = new ArrayList<>();
        requests.get().forEach(restored::add);
        restored.sort(Comparator.comparingLong(RequestSnapshot::arrival).thenComparing(RequestSnapshot::arrivedAt));
        return restored;
    }

    /** Keeps these requests, and no others, for the checkpoint that is being made. */
    public void save(List<RequestSnapshot> unfinished) throws Exception {
        requests.update(unfinished);
        attempts.update(List.of(attempt));
    }
}
