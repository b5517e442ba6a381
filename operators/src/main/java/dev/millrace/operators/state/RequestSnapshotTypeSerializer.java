package dev.millrace.operators.state;

import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.io.SimpleVersionedSerialization;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Puts {@link RequestSnapshotSerializer}, its version before each element, where Flink wants a type serializer. Snapshots
 * are immutable, so a checkpoint copies references while the task waits and writes bytes, media included, when it no longer
 * does.
 */
public final class RequestSnapshotTypeSerializer extends TypeSerializerSingleton<RequestSnapshot> {

    private static final RequestSnapshotSerializer SERIALIZER = new RequestSnapshotSerializer();

    @Override
    public boolean isImmutableType() {
        return true;
    }

    @Override
    public RequestSnapshot createInstance() {
        return null;
    }

    @Override
    public RequestSnapshot copy(RequestSnapshot from) {
        return from;
    }

    @Override
    public RequestSnapshot copy(RequestSnapshot from, RequestSnapshot reuse) {
        return from;
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
        serialize(deserialize(source), target);
    }

    @Override
    public int getLength() {
        return -1;
    }

    @Override
    public void serialize(RequestSnapshot snapshot, DataOutputView target) throws IOException {
        SimpleVersionedSerialization.writeVersionAndSerialize(SERIALIZER, snapshot, target);
    }

    @Override
    public RequestSnapshot deserialize(DataInputView source) throws IOException {
        return SimpleVersionedSerialization.readVersionAndDeSerialize(SERIALIZER, source);
    }

    @Override
    public RequestSnapshot deserialize(RequestSnapshot reuse, DataInputView source) throws IOException {
        return deserialize(source);
    }

    @Override
    public Snapshot snapshotConfiguration() {
        return new Snapshot();
    }

    /** What a savepoint remembers of this serializer: its class. Versions are with the elements. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<RequestSnapshot> {
        public Snapshot() {
            super(RequestSnapshotTypeSerializer::new);
        }
    }
}
