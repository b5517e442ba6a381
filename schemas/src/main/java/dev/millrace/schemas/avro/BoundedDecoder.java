package dev.millrace.schemas.avro;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.Decoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.util.Utf8;

/**
 * Avro's binary encoding, read from bytes in memory. A length or a count that promises more than the bytes that are left
 * is refused before anything is allocated for it; Avro's own decoder allocates first.
 */
final class BoundedDecoder extends Decoder {

    private final ByteArrayInputStream in;
    private final BinaryDecoder raw;

    BoundedDecoder(byte[] value, int offset) {
        in = new ByteArrayInputStream(value, offset, value.length - offset);
        raw = DecoderFactory.get().directBinaryDecoder(in, null);
    }

    /** Bytes that were not read. */
    int remaining() {
        return in.available();
    }

    private long bounded(long announced) throws IOException {
        if (announced < 0 || announced > remaining()) {
            throw new EOFException(announced + " bytes or items are announced, " + remaining() + " bytes are left");
        }
        return announced;
    }

    private byte[] take(long length) throws IOException {
        byte[] bytes = new byte[(int) bounded(length)];
        raw.readFixed(bytes);
        return bytes;
    }

    private void drop(long length) throws IOException {
        in.skip(bounded(length));
    }

    @Override
    public void readNull() {}

    @Override
    public boolean readBoolean() throws IOException {
        return raw.readBoolean();
    }

    @Override
    public int readInt() throws IOException {
        return raw.readInt();
    }

    @Override
    public long readLong() throws IOException {
        return raw.readLong();
    }

    @Override
    public float readFloat() throws IOException {
        return raw.readFloat();
    }

    @Override
    public double readDouble() throws IOException {
        return raw.readDouble();
    }

    @Override
    public Utf8 readString(Utf8 old) throws IOException {
        return new Utf8(take(readLong()));
    }

    @Override
    public String readString() throws IOException {
        return new String(take(readLong()), StandardCharsets.UTF_8);
    }

    @Override
    public void skipString() throws IOException {
        drop(readLong());
    }

    @Override
    public ByteBuffer readBytes(ByteBuffer old) throws IOException {
        return ByteBuffer.wrap(take(readLong()));
    }

    @Override
    public void skipBytes() throws IOException {
        drop(readLong());
    }

    @Override
    public void readFixed(byte[] bytes, int start, int length) throws IOException {
        bounded(length);
        raw.readFixed(bytes, start, length);
    }

    @Override
    public void skipFixed(int length) throws IOException {
        drop(length);
    }

    @Override
    public int readEnum() throws IOException {
        return raw.readEnum();
    }

    @Override
    public long readArrayStart() throws IOException {
        return bounded(raw.readArrayStart());
    }

    @Override
    public long arrayNext() throws IOException {
        return bounded(raw.arrayNext());
    }

    @Override
    public long skipArray() throws IOException {
        return bounded(raw.skipArray());
    }

    @Override
    public long readMapStart() throws IOException {
        return bounded(raw.readMapStart());
    }

    @Override
    public long mapNext() throws IOException {
        return bounded(raw.mapNext());
    }

    @Override
    public long skipMap() throws IOException {
        return bounded(raw.skipMap());
    }

    @Override
    public int readIndex() throws IOException {
        return raw.readIndex();
    }
}
