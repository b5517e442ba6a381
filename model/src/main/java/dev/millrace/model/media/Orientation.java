package dev.millrace.model.media;

import com.drew.imaging.jpeg.JpegMetadataReader;
import com.drew.imaging.jpeg.JpegProcessingException;
import com.drew.imaging.png.PngChunkReader;
import com.drew.imaging.png.PngChunkType;
import com.drew.imaging.png.PngProcessingException;
import com.drew.imaging.riff.RiffProcessingException;
import com.drew.imaging.webp.WebpMetadataReader;
import com.drew.lang.ByteArrayReader;
import com.drew.lang.SequentialByteArrayReader;
import com.drew.metadata.Metadata;
import com.drew.metadata.exif.ExifIFD0Directory;
import com.drew.metadata.exif.ExifReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.List;
import java.util.Set;

/**
 * How a stored picture must be turned to stand upright (EXIF 2.32, tag 0x0112, values 1 to 8).
 *
 * @param transposed whether rows and columns change places, before any mirroring
 * @param mirroredX whether the upright picture's x runs backwards in the stored one
 * @param mirroredY whether the upright picture's y runs backwards in the stored one
 */
record Orientation(boolean transposed, boolean mirroredX, boolean mirroredY) {

    static final Orientation UPRIGHT = new Orientation(false, false, false);

    /** By the EXIF tag's value; one that the standard does not know leaves the picture as it is. */
    static Orientation ofExif(int value) {
        return switch (value) {
            case 2 -> new Orientation(false, true, false);
            case 3 -> new Orientation(false, true, true);
            case 4 -> new Orientation(false, false, true);
            case 5 -> new Orientation(true, false, false);
            case 6 -> new Orientation(true, true, false);
            case 7 -> new Orientation(true, true, true);
            case 8 -> new Orientation(true, false, true);
            default -> UPRIGHT;
        };
    }

    /** By a clockwise turn in degrees, as a video's display matrix has it; other than quarter turns are left alone. */
    static Orientation ofRotation(double degrees) {
        return switch ((int) Math.floorMod(Math.round(degrees), 360L)) {
            case 90 -> ofExif(6);
            case 180 -> ofExif(3);
            case 270 -> ofExif(8);
            default -> UPRIGHT;
        };
    }

    /** What a picture file says; upright where it says nothing that can be read, as in every viewer. */
    static Orientation of(FileFormat format, byte[] file) {
        try {
            Metadata metadata =
                    switch (format) {
                        case JPEG -> JpegMetadataReader.readMetadata(
                                new ByteArrayInputStream(file), List.of(new ExifReader()));
                        case WEBP -> WebpMetadataReader.readMetadata(new ByteArrayInputStream(file));
                        case PNG -> png(file);
                        default -> new Metadata();
                    };
            var exif = metadata.getFirstDirectoryOfType(ExifIFD0Directory.class);
            Integer value = exif == null ? null : exif.getInteger(ExifIFD0Directory.TAG_ORIENTATION);
            return value == null ? UPRIGHT : ofExif(value);
        } catch (IOException
                | JpegProcessingException
                | PngProcessingException
                | RiffProcessingException
                | RuntimeException e) {
            return UPRIGHT; // damage to the pixels is the decoder's to report
        }
    }

    private static Metadata png(byte[] file) throws IOException, PngProcessingException {
        var metadata = new Metadata();
        var chunks = new PngChunkReader().extract(new SequentialByteArrayReader(file), Set.of(PngChunkType.eXIf));
        for (var chunk : chunks) {
            new ExifReader().extract(new ByteArrayReader(chunk.getBytes()), metadata);
        }
        return metadata;
    }

    /** The picture upright. */
    RgbImage apply(RgbImage image) {
        if (equals(UPRIGHT)) {
            return image;
        }
        int columns = transposed ? image.height() : image.width();
        int rows = transposed ? image.width() : image.height();
        RgbImage result = RgbImage.of(columns, rows);
        int stepX = 3 * (transposed ? image.width() : 1) * (mirroredX ? -1 : 1);
        for (int y = 0, o = 0; y < rows; y++) {
            int line = mirroredY ? rows - 1 - y : y;
            int start = mirroredX ? columns - 1 : 0;
            int i = 3 * (transposed ? start * image.width() + line : line * image.width() + start);
            for (int x = 0; x < columns; x++, o += 3, i += stepX) {
                result.rgb()[o] = image.rgb()[i];
                result.rgb()[o + 1] = image.rgb()[i + 1];
                result.rgb()[o + 2] = image.rgb()[i + 2];
            }
        }
        return result;
    }
}
