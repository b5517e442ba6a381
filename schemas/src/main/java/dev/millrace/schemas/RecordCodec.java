package dev.millrace.schemas;

import java.io.IOException;

/** Turns records into bytes and back. Belongs to one thread. */
public interface RecordCodec<T> {

    /** @throws IOException if the record cannot be written */
    byte[] encode(T datum) throws IOException;

    /**
     * @throws MalformedRecordException if the bytes are at fault
     * @throws IOException if something else is, such as a registry that does not answer
     */
    T decode(byte[] value) throws IOException;
}
