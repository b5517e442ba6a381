package dev.millrace.schemas.avro;

import dev.millrace.schemas.MalformedRecordException;
import dev.millrace.schemas.RecordCodec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificRecordBase;

/**
 * Avro's single-object encoding: {@code C3 01}, the writer schema's 64-bit fingerprint (little endian), the body.
 * Specification: Avro 1.11, "Single-object encoding".
 */
public final class SingleObjectCodec<T extends SpecificRecordBase> implements RecordCodec<T> {

    private static final byte[] MAGIC = {(byte) 0xC3, 0x01};
    private static final int HEADER = 10;

    private final AvroBody<T> body;
    private final SchemaHistory history;
    private final byte[] header;

    public SingleObjectCodec(Class<T> type) {
        this(new AvroBody<>(type));
    }

    private SingleObjectCodec(AvroBody<T> body) {
        this(body, SchemaHistory.of(body.schema()));
    }

    SingleObjectCodec(AvroBody<T> body, SchemaHistory history) {
        this.body = body;
        this.history = history;
        this.header = ByteBuffer.allocate(HEADER)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(MAGIC)
                .putLong(SchemaHistory.fingerprint(body.schema()))
                .array();
    }

    @Override
    public byte[] encode(T datum) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream(256);
        out.writeBytes(header);
        body.write(datum, out);
        return out.toByteArray();
    }

    @Override
    public T decode(byte[] value) throws MalformedRecordException {
        return body.read(value, HEADER, writerSchema(value));
    }

    private Schema writerSchema(byte[] value) throws MalformedRecordException {
        if (value.length < HEADER || value[0] != MAGIC[0] || value[1] != MAGIC[1]) {
            throw malformed(
                    "the value does not start with the header of Avro's single-object encoding (C3 01 and 8 bytes"
                            + " of fingerprint); it has " + value.length + " bytes and starts with " + hex(value)
                            + ". Is it written in the format that this job reads?");
        }
        long fingerprint = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).getLong(MAGIC.length);
        Schema schema = history.find(fingerprint);
        if (schema == null) {
            throw malformed(
                    "the value was written by the schema with fingerprint %016x, which is no version of %s known"
                                    .formatted(fingerprint, body.schema().getFullName())
                            + " here (the current one is %016x)".formatted(SchemaHistory.fingerprint(body.schema())));
        }
        return schema;
    }

    private static MalformedRecordException malformed(String message) {
        return new MalformedRecordException(message, (String) null);
    }

    private static String hex(byte[] value) {
        StringBuilder hex = new StringBuilder();
        for (int i = 0; i < Math.min(4, value.length); i++) {
            hex.append("%02X ".formatted(value[i]));
        }
        return hex.isEmpty() ? "nothing" : hex.toString().strip();
    }
}
