package dev.millrace.job.kafka;

import dev.millrace.schemas.RecordCodec;
import dev.millrace.schemas.avro.AvroBody;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.flink.formats.avro.SchemaCoder;

/** Avro records whose schemas a registry keeps. A registry that does not answer is no fault of the record. */
final class RegistryCodec<T extends SpecificRecordBase> implements RecordCodec<T> {

    private final AvroBody<T> body;
    private final SchemaCoder schemas;

    RegistryCodec(Class<T> type, SchemaCoder schemas) {
        this.body = new AvroBody<>(type);
        this.schemas = schemas;
    }

    @Override
    public byte[] encode(T datum) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream(256);
        schemas.writeSchema(body.schema(), out);
        body.write(datum, out);
        return out.toByteArray();
    }

    @Override
    public T decode(byte[] value) throws IOException {
        ByteArrayInputStream in = new ByteArrayInputStream(value);
        Schema written = schemas.readSchema(in);
        return body.read(value, value.length - in.available(), written);
    }
}
