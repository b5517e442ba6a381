package dev.millrace.model.media;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.millrace.model.media.MediaSource.MediaOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;

/** Files that tests read: this package's fixtures and the repository's reference vectors. */
public final class MediaFixtures {

    private static final ObjectMapper JSON = new ObjectMapper();

    private MediaFixtures() {}

    public static Path golden(String name) {
        return Path.of(System.getProperty("millrace.root"), "golden", name);
    }

    public static JsonNode goldenJson(String name) {
        try {
            return JSON.readTree(golden(name).toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static byte[] goldenFile(String name) {
        try {
            return Files.readAllBytes(golden(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A file among this package's fixtures. */
    public static byte[] file(String name) {
        try (var in = MediaFixtures.class.getResourceAsStream("/media/" + name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public static EncodedMedia image(byte[] file) {
        return new EncodedMedia(EncodedMedia.Kind.IMAGE, List.of(file), MediaOptions.DEFAULT);
    }

    /** A picture decoded by Java's own PNG reader: the reference where Pillow's result is stored as PNG. */
    static RgbImage png(String name) {
        try (var in = MediaFixtures.class.getResourceAsStream("/media/" + name)) {
            var image = ImageIO.read(in);
            var result = RgbImage.of(image.getWidth(), image.getHeight());
            for (int i = 0; i < image.getWidth() * image.getHeight(); i++) {
                int rgb = image.getRGB(i % image.getWidth(), i / image.getWidth());
                result.rgb()[3 * i] = (byte) (rgb >> 16);
                result.rgb()[3 * i + 1] = (byte) (rgb >> 8);
                result.rgb()[3 * i + 2] = (byte) rgb;
            }
            return result;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Names in a reference file of tensors. */
    public static List<String> tensors(String file) {
        var names = new ArrayList<String>();
        header(file).fieldNames().forEachRemaining(names::add);
        names.remove("__metadata__");
        return names;
    }

    /** A 32-bit float tensor of a reference file. */
    public static float[] floats(String file, String name) {
        FloatBuffer values = data(file, name).asFloatBuffer();
        float[] result = new float[values.remaining()];
        values.get(result);
        return result;
    }

    /** A 32-bit integer tensor of a reference file. */
    public static int[] ints(String file, String name) {
        IntBuffer values = data(file, name).asIntBuffer();
        int[] result = new int[values.remaining()];
        values.get(result);
        return result;
    }

    private static ByteBuffer data(String file, String name) {
        var bytes = ByteBuffer.wrap(goldenFile(file)).order(ByteOrder.LITTLE_ENDIAN);
        int start = 8 + (int) bytes.getLong(0);
        JsonNode offsets = header(file).get(name).get("data_offsets");
        int from = offsets.get(0).asInt();
        return bytes.slice(start + from, offsets.get(1).asInt() - from).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static JsonNode header(String file) {
        byte[] bytes = goldenFile(file);
        long length = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        try {
            return JSON.readTree(bytes, 8, (int) length);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
