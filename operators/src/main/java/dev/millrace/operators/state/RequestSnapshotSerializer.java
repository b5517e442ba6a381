package dev.millrace.operators.state;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * How an unfinished request is written. What a version reads never changes; a new format is a new version beside it. The
 * files {@code src/test/resources/state/*-v1*} hold version 1, and so on.
 */
public final class RequestSnapshotSerializer implements SimpleVersionedSerializer<RequestSnapshot> {

    private static final int VERSION = 2;

    private final WorkFormat works = new WorkFormat();

    @Override
    public int getVersion() {
        return VERSION;
    }

    @Override
    public byte[] serialize(RequestSnapshot snapshot) throws IOException {
        var bytes = new ByteArrayOutputStream(1024);
        var out = new DataOutputStream(bytes);
        writeHeader(snapshot.header(), out);
        out.writeLong(snapshot.arrival());
        Fields.writeInstant(snapshot.arrivedAt(), out);
        works.write(snapshot.work(), out);
        return bytes.toByteArray();
    }

    @Override
    public RequestSnapshot deserialize(int version, byte[] serialized) throws IOException {
        if (version < 1 || version > VERSION) {
            throw new IOException(
                    "this savepoint holds requests in format " + version + "; this version of Millrace reads"
                            + " formats 1 to " + VERSION + ". Use the version that made the savepoint, or a newer one");
        }
        var in = new DataInputStream(new ByteArrayInputStream(serialized));
        return new RequestSnapshot(readHeader(in), in.readLong(), Fields.readInstant(in), works.read(in, version));
    }

    private static void writeHeader(RequestHeader header, DataOutputStream out) throws IOException {
        Fields.writeString(header.requestId(), out);
        Fields.writeString(header.topic(), out);
        out.writeInt(header.partition());
        out.writeLong(header.offset());
        out.writeInt(header.priority());
        Fields.writeNullable(header.replyTo(), out, Fields::writeString);
        List<Map.Entry<String, String>> headers =
                new ArrayList<>(header.headers().entrySet());
        headers.sort(Map.Entry.comparingByKey());
        Fields.writeList(headers, out, (entry, to) -> {
            Fields.writeString(entry.getKey(), to);
            Fields.writeString(entry.getValue(), to);
        });
        Fields.writeInstant(header.createdAt(), out);
        Fields.writeNullable(header.deadline(), out, Fields::writeInstant);
    }

    private static RequestHeader readHeader(DataInputStream in) throws IOException {
        return new RequestHeader(
                Fields.readString(in),
                Fields.readString(in),
                in.readInt(),
                in.readLong(),
                in.readInt(),
                Fields.readNullable(in, Fields::readString),
                Fields.readList(in, from -> Map.entry(Fields.readString(from), Fields.readString(from))).stream()
                        .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue)),
                Fields.readInstant(in),
                Fields.readNullable(in, Fields::readInstant));
    }
}
