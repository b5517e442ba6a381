package dev.millrace.model.media;

import static org.bytedeco.ffmpeg.global.avformat.AVSEEK_SIZE;
import static org.bytedeco.ffmpeg.global.avformat.avio_alloc_context;
import static org.bytedeco.ffmpeg.global.avformat.avio_context_free;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EOF;
import static org.bytedeco.ffmpeg.global.avutil.av_free;
import static org.bytedeco.ffmpeg.global.avutil.av_malloc;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.ffmpeg.avformat.AVIOContext;
import org.bytedeco.ffmpeg.avformat.Read_packet_Pointer_BytePointer_int;
import org.bytedeco.ffmpeg.avformat.Seek_Pointer_long_int;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Bytes as FFmpeg reads them. Native code can call back into a handful of objects only, so all inputs share two, which
 * find theirs by the address that they are called with.
 */
final class MemoryInput implements AutoCloseable {

    private static final int BUFFER = 1 << 16;
    private static final Map<Long, MemoryInput> OPEN = new ConcurrentHashMap<>();
    private static final Read READ = new Read();
    private static final Seek SEEK = new Seek();

    private final byte[] bytes;
    private final LongPointer handle = new LongPointer(1);
    private final AVIOContext context;
    private int position;

    MemoryInput(byte[] bytes) {
        this.bytes = bytes;
        OPEN.put(handle.address(), this);
        context = avio_alloc_context(new BytePointer(av_malloc(BUFFER)), BUFFER, 0, handle, READ, null, SEEK);
    }

    AVIOContext context() {
        return context;
    }

    private int read(BytePointer into, int size) {
        int n = Math.min(size, bytes.length - position);
        if (n <= 0) {
            return AVERROR_EOF();
        }
        into.put(bytes, position, n);
        position += n;
        return n;
    }

    private long seek(long offset, int whence) {
        if (whence == AVSEEK_SIZE) {
            return bytes.length;
        }
        long target = offset + (whence == 0 ? 0 : whence == 1 ? position : bytes.length);
        if (target < 0 || target > bytes.length) {
            return -1;
        }
        position = (int) target;
        return target;
    }

    @Override
    public void close() {
        av_free(context.buffer()); // FFmpeg may have replaced the one it was given
        avio_context_free(context);
        OPEN.remove(handle.address());
        handle.close();
    }

    private static final class Read extends Read_packet_Pointer_BytePointer_int {
        @Override
        public int call(Pointer handle, BytePointer into, int size) {
            return OPEN.get(handle.address()).read(into, size);
        }
    }

    private static final class Seek extends Seek_Pointer_long_int {
        @Override
        public long call(Pointer handle, long offset, int whence) {
            return OPEN.get(handle.address()).seek(offset, whence);
        }
    }
}
