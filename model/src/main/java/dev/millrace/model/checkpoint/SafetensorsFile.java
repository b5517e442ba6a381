package dev.millrace.model.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One safetensors file: eight bytes of header length, a JSON header, the tensors' bytes. The header is checked whole when
 * the file is opened, so that no later access can leave the file; tensors are mapped one at a time, when asked for.
 *
 * @see <a href="https://github.com/huggingface/safetensors#format">the format</a>
 */
public final class SafetensorsFile implements AutoCloseable {

    /** Most bytes of a window of a tensor that is not mapped at once. */
    private static final long WINDOW = 1L << 30;

    private final Path file;
    private final FileChannel channel;
    private final long dataStart;
    private final Map<String, SafetensorsHeader.Entry> entries;

    private SafetensorsFile(
            Path file, FileChannel channel, long dataStart, Map<String, SafetensorsHeader.Entry> entries) {
        this.file = file;
        this.channel = channel;
        this.dataStart = dataStart;
        this.entries = entries;
    }

    /** @throws CheckpointException if the file cannot be read or its header is not right */
    public static SafetensorsFile open(Path file) {
        FileChannel channel = null;
        try {
            channel = FileChannel.open(file, StandardOpenOption.READ);
            byte[] header = readHeader(file, channel);
            long dataStart = Long.BYTES + header.length;
            var entries = SafetensorsHeader.parse(file, header, channel.size() - dataStart);
            return new SafetensorsFile(file, channel, dataStart, entries);
        } catch (IOException e) {
            close(file, channel);
            throw new CheckpointException(file + ": cannot be read: " + e, e);
        } catch (RuntimeException e) {
            close(file, channel);
            throw e;
        }
    }

    public Set<String> names() {
        return entries.keySet();
    }

    public boolean contains(String name) {
        return entries.containsKey(name);
    }

    /**
     * Maps a tensor, in windows if it is larger than Java maps at once. The mapping outlives this file's closing.
     *
     * @throws CheckpointException if there is none of that name
     */
    public Tensor tensor(String name) {
        SafetensorsHeader.Entry entry = entries.get(name);
        if (entry == null) {
            throw new CheckpointException(file + ": has no tensor " + name);
        }
        long window = entry.length() <= Integer.MAX_VALUE ? Math.max(1, entry.length()) : wholeRows(entry);
        try {
            List<ByteBuffer> windows = new ArrayList<>();
            long mapped = 0;
            do {
                long length = Math.min(window, entry.length() - mapped);
                windows.add(channel.map(MapMode.READ_ONLY, dataStart + entry.begin() + mapped, length)
                        .order(ByteOrder.LITTLE_ENDIAN));
                mapped += length;
            } while (mapped < entry.length());
            return new Tensor(name, entry.dtype(), entry.shape().clone(), List.copyOf(windows));
        } catch (IOException e) {
            throw new CheckpointException(file + ": tensor " + name + " cannot be mapped: " + e, e);
        }
    }

    /** Bytes of the rows that fit into a window. */
    private long wholeRows(SafetensorsHeader.Entry entry) {
        long row = entry.length() / entry.shape()[0];
        if (row > WINDOW) {
            throw new CheckpointException(file + ": tensor " + entry.name() + " has rows of " + row + " bytes; at most "
                    + WINDOW + " can be mapped");
        }
        return WINDOW / row * row;
    }

    @Override
    public void close() {
        close(file, channel);
    }

    @Override
    public String toString() {
        return file.toString();
    }

    private static byte[] readHeader(Path file, FileChannel channel) throws IOException {
        ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        readFully(file, channel, length, 0);
        long headerLength = length.getLong(0);
        long most = Math.min(SafetensorsHeader.MAX_BYTES, channel.size() - Long.BYTES);
        if (headerLength < 2 || headerLength > most) {
            throw new CheckpointException(file + ": the header claims " + Long.toUnsignedString(headerLength)
                    + " bytes; possible here are 2 to " + most);
        }
        ByteBuffer header = ByteBuffer.allocate((int) headerLength);
        readFully(file, channel, header, Long.BYTES);
        return header.array();
    }

    private static void readFully(Path file, FileChannel channel, ByteBuffer into, long from) throws IOException {
        while (into.hasRemaining()) {
            if (channel.read(into, from + into.position()) < 0) {
                throw new CheckpointException(file + ": ends within the header, after " + channel.size() + " bytes");
            }
        }
    }

    private static void close(Path file, FileChannel channel) {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            throw new CheckpointException(file + ": cannot be closed: " + e, e);
        }
    }
}
