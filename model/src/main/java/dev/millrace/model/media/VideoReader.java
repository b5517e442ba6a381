package dev.millrace.model.media;

import static org.bytedeco.ffmpeg.global.avcodec.AV_PKT_DATA_DISPLAYMATRIX;
import static org.bytedeco.ffmpeg.global.avcodec.AV_PKT_FLAG_DISCARD;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_side_data_get;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_unref;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_alloc_context3;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_decoder;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_free_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_get_name;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_open2;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_parameters_to_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_receive_frame;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_send_packet;
import static org.bytedeco.ffmpeg.global.avformat.av_find_best_stream;
import static org.bytedeco.ffmpeg.global.avformat.av_find_input_format;
import static org.bytedeco.ffmpeg.global.avformat.av_read_frame;
import static org.bytedeco.ffmpeg.global.avformat.avformat_alloc_context;
import static org.bytedeco.ffmpeg.global.avformat.avformat_close_input;
import static org.bytedeco.ffmpeg.global.avformat.avformat_open_input;
import static org.bytedeco.ffmpeg.global.avutil.AVMEDIA_TYPE_VIDEO;
import static org.bytedeco.ffmpeg.global.avutil.AV_NOPTS_VALUE;
import static org.bytedeco.ffmpeg.global.avutil.av_display_rotation_get;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;

import java.io.IOException;
import java.util.concurrent.CancellationException;
import java.util.function.IntPredicate;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * One pass through the video stream of a file that lies in memory, through FFmpeg. The container's format is given, never
 * guessed, so that a playlist cannot make FFmpeg open other files.
 */
final class VideoReader implements AutoCloseable {

    private static final int THREADS = Math.min(4, Runtime.getRuntime().availableProcessors());

    static {
        Ffmpeg.prepare();
    }

    private final MemoryInput input;
    private final AVFormatContext container;
    private final AVStream stream;
    private final AVPacket packet = av_packet_alloc();

    private VideoReader(MemoryInput input, AVFormatContext container, AVStream stream) {
        this.input = input;
        this.container = container;
        this.stream = stream;
    }

    /** Takes what a frame shows. */
    interface FrameSink {
        void accept(RgbImage frame);
    }

    /**
     * What is known without decoding.
     *
     * @param frames frames to be shown, as the container counts them
     * @param rate frames a second; 1 where one frame or none has a time
     */
    record Info(int frames, double rate, int width, int height, Orientation orientation) {

        SmartResize.Size upright() {
            return orientation.transposed() ? new SmartResize.Size(width, height) : new SmartResize.Size(height, width);
        }

        Info withFrames(int counted) {
            return new Info(counted, rate, width, height, orientation);
        }
    }

    /**
     * @throws IOException if the file is not of that format or holds no video
     */
    static VideoReader open(FileFormat format, byte[] file) throws IOException {
        var input = new MemoryInput(file);
        AVFormatContext container = avformat_alloc_context();
        container.pb(input.context());
        String demuxer = format == FileFormat.MP4 ? "mp4" : format == FileFormat.MATROSKA ? "matroska" : "avi";
        if (avformat_open_input(container, (String) null, av_find_input_format(demuxer), (AVDictionary) null) < 0) {
            input.close(); // the container was freed by the failure
            throw new IOException("it cannot be opened");
        }
        int index = av_find_best_stream(container, AVMEDIA_TYPE_VIDEO, -1, -1, (PointerPointer<?>) null, 0);
        if (index < 0) {
            avformat_close_input(container);
            input.close();
            throw new IOException("it holds no video stream");
        }
        return new VideoReader(input, container, container.streams(index));
    }

    /** Counts the frames and reads what the header says. */
    Info info() {
        int frames = 0;
        long first = Long.MAX_VALUE;
        long last = Long.MIN_VALUE;
        while (nextPacket()) {
            if ((packet.flags() & AV_PKT_FLAG_DISCARD) == 0) {
                frames++;
                if (packet.pts() != AV_NOPTS_VALUE) {
                    first = Math.min(first, packet.pts());
                    last = Math.max(last, packet.pts());
                }
            }
        }
        double rate =
                ratio(stream.avg_frame_rate().num(), stream.avg_frame_rate().den());
        if (!(rate > 0) && last > first) {
            double tick = ratio(stream.time_base().num(), stream.time_base().den());
            rate = (frames - 1) / ((last - first) * tick);
        }
        return new Info(
                frames,
                rate > 0 ? rate : 1,
                stream.codecpar().width(),
                stream.codecpar().height(),
                orientation());
    }

    /**
     * Decodes to the end, and converts what is asked for.
     *
     * @param wanted tells by its index whether a frame is shown
     * @return frames that could be decoded
     */
    int decode(long maxPixels, IntPredicate wanted, FrameSink sink) throws IOException {
        int frames = 0;
        AVFrame frame = av_frame_alloc();
        AVCodecContext codec = decoder(maxPixels);
        try (var converter = new FrameConverter()) {
            boolean more = true;
            while (more) {
                more = nextPacket();
                avcodec_send_packet(codec, more ? packet : null); // what is damaged gives no frame
                while (avcodec_receive_frame(codec, frame) >= 0) {
                    if (wanted.test(frames++)) {
                        sink.accept(converter.toRgb(frame));
                    }
                }
            }
            return frames;
        } finally {
            avcodec_free_context(codec);
            av_frame_free(frame);
        }
    }

    private AVCodecContext decoder(long maxPixels) throws IOException {
        int id = stream.codecpar().codec_id();
        var type = avcodec_find_decoder(id);
        if (type == null) {
            throw new IOException("its codec " + avcodec_get_name(id).getString() + " is not known");
        }
        AVCodecContext codec = avcodec_alloc_context3(type);
        avcodec_parameters_to_context(codec, stream.codecpar());
        codec.max_pixels(maxPixels);
        codec.thread_count(THREADS);
        if (avcodec_open2(codec, type, (AVDictionary) null) < 0) {
            avcodec_free_context(codec);
            throw new IOException("its codec parameters are damaged");
        }
        return codec;
    }

    /** The next packet of the video stream into {@link #packet}; false at the end. */
    private boolean nextPacket() {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("reading a video was interrupted");
        }
        av_packet_unref(packet);
        while (av_read_frame(container, packet) >= 0) {
            if (packet.stream_index() == stream.index()) {
                return true;
            }
            av_packet_unref(packet);
        }
        return false;
    }

    private Orientation orientation() {
        var parameters = stream.codecpar();
        var matrix = parameters.nb_coded_side_data() == 0
                ? null
                : av_packet_side_data_get(
                        parameters.coded_side_data(), parameters.nb_coded_side_data(), AV_PKT_DATA_DISPLAYMATRIX);
        return matrix == null || matrix.isNull()
                ? Orientation.UPRIGHT
                : Orientation.ofRotation(-av_display_rotation_get(new IntPointer(matrix.data())));
    }

    private static double ratio(int numerator, int denominator) {
        return denominator == 0 ? 0 : (double) numerator / denominator;
    }

    @Override
    public void close() {
        av_packet_free(packet);
        avformat_close_input(container);
        input.close();
    }
}
