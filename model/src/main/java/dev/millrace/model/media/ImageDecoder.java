package dev.millrace.model.media;

import com.twelvemonkeys.imageio.plugins.bmp.BMPImageReaderSpi;
import com.twelvemonkeys.imageio.plugins.jpeg.JPEGImageReaderSpi;
import com.twelvemonkeys.imageio.plugins.webp.WebPImageReaderSpi;
import com.twelvemonkeys.imageio.stream.ByteArrayImageInputStream;
import dev.millrace.model.InvalidInputException;
import java.io.IOException;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadWarningListener;
import javax.imageio.spi.IIORegistry;
import javax.imageio.spi.ImageReaderSpi;

/**
 * Decodes picture files: JPEG, PNG, WebP, GIF and BMP, the first frame of what moves, turned upright as EXIF has it.
 * Safe for use by several threads.
 */
final class ImageDecoder {

    private final MediaLimits limits;

    ImageDecoder(MediaLimits limits) {
        this.limits = limits;
    }

    /**
     * The upright size that the header states.
     *
     * @throws InvalidInputException if it is no picture, or has more pixels than are allowed
     */
    SmartResize.Size size(byte[] file) {
        FileFormat format = format(file);
        SmartResize.Size size = read(format, file, reader -> stored(format, file, reader));
        return Orientation.of(format, file).transposed() ? new SmartResize.Size(size.width(), size.height()) : size;
    }

    /**
     * The picture, upright, on white.
     *
     * @throws InvalidInputException as {@link #size}, and if the file is cut off or damaged
     */
    RgbImage decode(byte[] file) {
        FileFormat format = format(file);
        RgbImage image = read(format, file, reader -> {
            stored(format, file, reader);
            return format == FileFormat.WEBP && LossyWebp.matches(file)
                    ? LossyWebp.decode(file, limits.imagePixels())
                    : RasterReader.read(reader.read(0));
        });
        return Orientation.of(format, file).apply(image);
    }

    private FileFormat format(byte[] file) {
        if (file.length > limits.imageBytes()) {
            throw new InvalidInputException(
                    "a picture of " + file.length + " bytes is larger than the " + limits.imageBytes() + " allowed",
                    null);
        }
        FileFormat format = FileFormat.of(file);
        if (!format.isImage()) {
            throw new InvalidInputException(
                    "cannot identify image file: found " + FileFormat.describe(file) + "; read are "
                            + FileFormat.IMAGES,
                    null);
        }
        Completeness.check(format, file);
        return format;
    }

    private SmartResize.Size stored(FileFormat format, byte[] file, ImageReader reader) throws IOException {
        int width = reader.getWidth(0);
        int height = reader.getHeight(0);
        if (width <= 0 || height <= 0) {
            throw new IOException("its header gives a size of " + width + "x" + height);
        }
        if ((long) width * height > limits.imagePixels()) {
            throw new InvalidInputException(
                    "a " + format + " picture of " + width + "x" + height + " pixels (" + file.length
                            + " bytes) is larger than the " + limits.imagePixels() + " pixels allowed; scale it down",
                    null);
        }
        return new SmartResize.Size(height, width);
    }

    private interface Reading<T> {
        T apply(ImageReader reader) throws IOException;
    }

    private static <T> T read(FileFormat format, byte[] file, Reading<T> reading) {
        ImageReader reader = reader(format);
        try (var input = new ByteArrayImageInputStream(format == FileFormat.JPEG ? JpegProfile.remove(file) : file)) {
            reader.setInput(input, true, true);
            var warnings = new Warnings();
            reader.addIIOReadWarningListener(warnings);
            T result = reading.apply(reader);
            warnings.check();
            return result;
        } catch (InvalidInputException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            throw new InvalidInputException(
                    "cannot decode the picture (" + format + ", " + file.length + " bytes), it is damaged or cut off: "
                            + (e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage()),
                    null,
                    e);
        } finally {
            reader.dispose();
        }
    }

    private static ImageReader reader(FileFormat format) {
        try {
            return switch (format) {
                case JPEG -> provider(JPEGImageReaderSpi.class).createReaderInstance(null);
                case WEBP -> provider(WebPImageReaderSpi.class).createReaderInstance(null);
                case BMP -> provider(BMPImageReaderSpi.class).createReaderInstance(null);
                default -> ImageIO.getImageReadersByFormatName(format.name()).next();
            };
        } catch (IOException e) {
            throw new IllegalStateException("no reader for " + format, e);
        }
    }

    /** The JPEG reader builds on the platform's, which it only finds once it is registered. */
    private static <T extends ImageReaderSpi> T provider(Class<T> type) {
        T provider = IIORegistry.getDefaultInstance().getServiceProviderByClass(type);
        if (provider == null) {
            throw new IllegalStateException(type.getName() + " is not on the class path that ImageIO searches");
        }
        return provider;
    }

    /** Readers warn where a file ends too early, and go on with grey; here that is an error. */
    private static final class Warnings implements IIOReadWarningListener {
        private String cutOff;

        @Override
        public void warningOccurred(ImageReader source, String warning) {
            String text = warning.toLowerCase(Locale.ROOT);
            if (cutOff == null && (text.contains("premature") || text.contains("eof") || text.contains("truncat"))) {
                cutOff = warning;
            }
        }

        void check() throws IOException {
            if (cutOff != null) {
                throw new IOException(cutOff);
            }
        }
    }
}
