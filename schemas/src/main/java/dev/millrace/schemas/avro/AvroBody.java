package dev.millrace.schemas.avro;

import dev.millrace.schemas.MalformedRecordException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecordBase;

/** A record's body in Avro's binary encoding, without the header that says by which schema it was written. */
public final class AvroBody<T extends SpecificRecordBase> {

    private final Schema schema;
    private final SpecificData data;
    private final SpecificDatumWriter<T> writer;

    public AvroBody(Class<T> type) {
        data = SpecificData.getForClass(type);
        schema = data.getSchema(type);
        writer = new SpecificDatumWriter<>(schema, data);
    }

    /** What records are written by and read into. */
    public Schema schema() {
        return schema;
    }

    /** Appends the body to {@code out}. */
    public void write(T datum, ByteArrayOutputStream out) throws IOException {
        BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
        writer.write(datum, encoder);
        encoder.flush();
    }

    /**
     * Reads the body that fills {@code value} from {@code offset} to its end.
     *
     * @param written the schema it was written by
     * @throws MalformedRecordException if it is cut off, too long, or does not resolve to this schema
     */
    public T read(byte[] value, int offset, Schema written) throws MalformedRecordException {
        BoundedDecoder decoder = new BoundedDecoder(value, offset);
        T datum;
        try {
            datum = new SpecificDatumReader<T>(written, schema, data).read(null, decoder);
        } catch (IOException | RuntimeException | StackOverflowError e) {
            throw new MalformedRecordException(
                    "the value is no " + schema.getName() + " written by " + written.getFullName() + ": " + reason(e)
                            + " (" + (value.length - decoder.remaining()) + " of " + value.length + " bytes read)",
                    e);
        }
        if (decoder.remaining() > 0) {
            throw new MalformedRecordException(
                    decoder.remaining() + " bytes are left of " + value.length + " after the " + schema.getName()
                            + "; a value is one record",
                    (String) null);
        }
        return datum;
    }

    private static String reason(Throwable e) {
        String name = e instanceof AvroRuntimeException ? "" : e.getClass().getSimpleName();
        return e.getMessage() == null ? name : name.isEmpty() ? e.getMessage() : name + ": " + e.getMessage();
    }
}
