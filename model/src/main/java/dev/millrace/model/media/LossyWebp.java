package dev.millrace.model.media;

import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_ID_WEBP;
import static org.bytedeco.ffmpeg.global.avcodec.av_new_packet;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_alloc_context3;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_decoder;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_free_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_open2;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_receive_frame;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_send_packet;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_YUV420P;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_YUVA420P;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;

/**
 * Lossy WebP through FFmpeg's VP8 decoder, with colours bit for bit as libwebp makes them ({@code dsp/upsampling.c},
 * {@code dsp/yuv.h}): chroma interpolated between four samples, then 14-bit integer coefficients. Java's WebP reader
 * repeats chroma samples, which is off by up to a hundred levels at coloured edges.
 */
final class LossyWebp {

    static {
        Ffmpeg.prepare();
    }

    private final byte[][] planes = new byte[4][]; // luma, blue and red chroma, opacity or null
    private final int width;
    private final int height;
    private final int chromaWidth;
    private final int chromaHeight;

    private LossyWebp(AVFrame frame) throws IOException {
        if (frame.format() != AV_PIX_FMT_YUV420P && frame.format() != AV_PIX_FMT_YUVA420P) {
            throw new IOException("its pixel format is not WebP's");
        }
        width = frame.width();
        height = frame.height();
        chromaWidth = (width + 1) / 2;
        chromaHeight = (height + 1) / 2;
        planes[0] = plane(frame, 0, width, height);
        planes[1] = plane(frame, 1, chromaWidth, chromaHeight);
        planes[2] = plane(frame, 2, chromaWidth, chromaHeight);
        planes[3] = frame.format() == AV_PIX_FMT_YUVA420P ? plane(frame, 3, width, height) : null;
    }

    /** Whether it is a single lossy picture; lossless and moving ones are others' to read. */
    static boolean matches(byte[] file) {
        long at = 12;
        while (at + 8 <= file.length) {
            String chunk = new String(file, (int) at, 4, StandardCharsets.ISO_8859_1);
            if (chunk.equals("VP8 ")) {
                return true;
            } else if (chunk.equals("VP8L") || chunk.equals("ANMF")) {
                return false;
            }
            long size = 0;
            for (int i = 3; i >= 0; i--) {
                size = size << 8 | file[(int) at + 4 + i] & 0xff;
            }
            at += 8 + size + size % 2;
        }
        return false;
    }

    static RgbImage decode(byte[] file, long maxPixels) throws IOException {
        var type = avcodec_find_decoder(AV_CODEC_ID_WEBP);
        AVCodecContext codec = avcodec_alloc_context3(type);
        AVPacket packet = av_packet_alloc();
        AVFrame frame = av_frame_alloc();
        try {
            codec.max_pixels(maxPixels);
            if (avcodec_open2(codec, type, (AVDictionary) null) < 0 || av_new_packet(packet, file.length) < 0) {
                throw new IOException("no memory for the decoder");
            }
            packet.data().put(file, 0, file.length);
            if (avcodec_send_packet(codec, packet) < 0 || avcodec_receive_frame(codec, frame) < 0) {
                throw new IOException("its VP8 data cannot be decoded");
            }
            return new LossyWebp(frame).toRgb();
        } finally {
            av_frame_free(frame);
            av_packet_free(packet);
            avcodec_free_context(codec);
        }
    }

    private static byte[] plane(AVFrame frame, int index, int width, int height) {
        byte[] plane = new byte[width * height];
        for (int y = 0; y < height; y++) {
            frame.data(index).position((long) y * frame.linesize(index)).get(plane, y * width, width);
        }
        return plane;
    }

    private RgbImage toRgb() {
        RgbImage image = RgbImage.of(width, height);
        byte[] rgb = image.rgb();
        for (int y = 0, i = 0, o = 0; y < height; y++) {
            int near = y / 2 * chromaWidth;
            int far = neighbour(y, chromaHeight) * chromaWidth;
            for (int x = 0; x < width; x++, i++, o += 3) {
                int side = neighbour(x, chromaWidth);
                int luma = (planes[0][i] & 0xff) * 19077 >> 8;
                int u = chroma(planes[1], near + x / 2, near + side, far + x / 2, far + side);
                int v = chroma(planes[2], near + x / 2, near + side, far + x / 2, far + side);
                int alpha = planes[3] == null ? 255 : planes[3][i] & 0xff;
                rgb[o] = RasterReader.onWhite(clip(luma + (v * 26149 >> 8) - 14234), alpha);
                rgb[o + 1] = RasterReader.onWhite(clip(luma - (u * 6419 >> 8) - (v * 13320 >> 8) + 8708), alpha);
                rgb[o + 2] = RasterReader.onWhite(clip(luma + (u * 33050 >> 8) - 17685), alpha);
            }
        }
        return image;
    }

    /** The chroma row or column on the other side of a luma one: the farther of the two that it lies between. */
    private static int neighbour(int luma, int count) {
        return Math.max(0, Math.min(count - 1, luma / 2 + (luma % 2 == 0 ? -1 : 1)));
    }

    /** 9 parts of the nearest sample, 3 of each beside it, 1 of the one across, rounded as libwebp does. */
    private static int chroma(byte[] plane, int nearest, int beside, int above, int across) {
        int nearestValue = plane[nearest] & 0xff;
        int rest = nearestValue + 3 * (plane[beside] & 0xff) + 3 * (plane[above] & 0xff) + (plane[across] & 0xff) + 8;
        return nearestValue + (rest >> 3) >> 1;
    }

    private static int clip(int value) {
        return Math.max(0, Math.min(255, value >> 6));
    }
}
