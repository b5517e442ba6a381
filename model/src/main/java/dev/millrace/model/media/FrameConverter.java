package dev.millrace.model.media;

import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_RGB24;
import static org.bytedeco.ffmpeg.global.swscale.SWS_BICUBIC;
import static org.bytedeco.ffmpeg.global.swscale.sws_freeContext;
import static org.bytedeco.ffmpeg.global.swscale.sws_getCachedContext;
import static org.bytedeco.ffmpeg.global.swscale.sws_scale;

import java.io.IOException;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.swscale.SwsContext;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;

/** Decoded frames of any pixel format as red, green, blue; keeps its context and buffer between frames of one size. */
final class FrameConverter implements AutoCloseable {

    private static final int ALIGNMENT = 64; // what swscale's vector loops may write past a row

    private SwsContext context;
    private BytePointer buffer = new BytePointer();
    private final PointerPointer<BytePointer> planes = new PointerPointer<>(4);
    private final IntPointer strides = new IntPointer(4);

    RgbImage toRgb(AVFrame frame) throws IOException {
        int width = frame.width();
        int height = frame.height();
        int stride = (3 * width + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        long size = (long) stride * height + ALIGNMENT;
        if (buffer.capacity() < size) {
            buffer.close();
            buffer = new BytePointer(size);
        }
        context = sws_getCachedContext(
                context,
                width,
                height,
                frame.format(),
                width,
                height,
                AV_PIX_FMT_RGB24,
                SWS_BICUBIC,
                null,
                null,
                (DoublePointer) null);
        if (context == null || context.isNull()) {
            throw new IOException("its pixel format " + frame.format() + " cannot be converted");
        }
        planes.put(0, buffer);
        strides.put(0, stride);
        sws_scale(context, frame.data(), frame.linesize(), 0, height, planes, strides);
        RgbImage image = RgbImage.of(width, height);
        for (int y = 0; y < height; y++) {
            buffer.position((long) y * stride).get(image.rgb(), 3 * y * width, 3 * width);
        }
        buffer.position(0);
        return image;
    }

    @Override
    public void close() {
        sws_freeContext(context);
        buffer.close();
        planes.close();
        strides.close();
    }
}
