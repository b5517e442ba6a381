package dev.millrace.operators.state;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * How values are written in state: big-endian, counts before what they count, a flag before what may be missing. Instants
 * are milliseconds since 1970.
 */
final class Fields {

    private Fields() {}

    /** Writes one value. */
    interface Writer<T> {
        void write(T value, DataOutputStream out) throws IOException;
    }

    /** Reads one value. */
    interface Reader<T> {
        T read(DataInputStream in) throws IOException;
    }

    static <T> void writeNullable(T value, DataOutputStream out, Writer<T> writer) throws IOException {
        out.writeBoolean(value != null);
        if (value != null) {
            writer.write(value, out);
        }
    }

    static <T> T readNullable(DataInputStream in, Reader<T> reader) throws IOException {
        return in.readBoolean() ? reader.read(in) : null;
    }

    static <T> void writeList(List<T> list, DataOutputStream out, Writer<T> writer) throws IOException {
        out.writeInt(list.size());
        for (T value : list) {
            writer.write(value, out);
        }
    }

    static <T> List<T> readList(DataInputStream in, Reader<T> reader) throws IOException {
        int size = readCount(in);
        List<T> list = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            list.add(reader.read(in));
        }
        return List.copyOf(list);
    }

    static void writeBytes(byte[] bytes, DataOutputStream out) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    static byte[] readBytes(DataInputStream in) throws IOException {
        byte[] bytes = new byte[readCount(in)];
        in.readFully(bytes);
        return bytes;
    }

    static void writeString(String text, DataOutputStream out) throws IOException {
        writeBytes(text.getBytes(StandardCharsets.UTF_8), out);
    }

    static String readString(DataInputStream in) throws IOException {
        return new String(readBytes(in), StandardCharsets.UTF_8);
    }

    static void writeInstant(Instant instant, DataOutputStream out) throws IOException {
        out.writeLong(instant.toEpochMilli());
    }

    static Instant readInstant(DataInputStream in) throws IOException {
        return Instant.ofEpochMilli(in.readLong());
    }

    static void writeInts(int[] values, DataOutputStream out) throws IOException {
        out.writeInt(values.length);
        for (int value : values) {
            out.writeInt(value);
        }
    }

    static int[] readInts(DataInputStream in) throws IOException {
        int[] values = new int[readCount(in)];
        for (int i = 0; i < values.length; i++) {
            values[i] = in.readInt();
        }
        return values;
    }

    static void writeFloats(float[] values, DataOutputStream out) throws IOException {
        out.writeInt(values.length);
        for (float value : values) {
            out.writeFloat(value);
        }
    }

    static float[] readFloats(DataInputStream in) throws IOException {
        float[] values = new float[readCount(in)];
        for (int i = 0; i < values.length; i++) {
            values[i] = in.readFloat();
        }
        return values;
    }

    /** A count of things that take a byte at least; damaged state is noticed before anything is allocated for it. */
    private static int readCount(DataInputStream in) throws IOException {
        int count = in.readInt();
        if (count < 0 || count > in.available()) {
            throw new EOFException(count + " values are announced, " + in.available() + " bytes are left");
        }
        return count;
    }
}
