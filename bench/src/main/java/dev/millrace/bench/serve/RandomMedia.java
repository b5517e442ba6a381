package dev.millrace.bench.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.millrace.model.InvalidInputException;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;

/** Makes random pictures and videos, as content parts with {@code data:} addresses. */
final class RandomMedia {

    private final List<MediaBucket> buckets;
    private final Map<String, Integer> limits;
    private final int least;
    private final int most;
    private final RandomGenerator random;

    RandomMedia(RandomOptions options, RandomGenerator random) {
        this.buckets = MediaBucket.parse(options.mediaBuckets);
        this.limits = options.mediaLimits();
        int possible = buckets.stream()
                .map(MediaBucket::modality)
                .distinct()
                .mapToInt(modality -> limits.getOrDefault(modality, 0))
                .sum();
        this.least = options.mediaRangeRatio.least(options.mediaItems);
        this.most = Math.min(options.mediaRangeRatio.most(options.mediaItems), possible);
        this.random = random;
        if (least > most) {
            throw new InvalidInputException(
                    "--random-mm-base-items-per-request %d asks for %d or more in every prompt, --random-mm-limit-mm-per-prompt allows %d"
                            .formatted(options.mediaItems, least, possible),
                    "--random-mm-base-items-per-request");
        }
    }

    /** Of one prompt. */
    List<JsonNode> parts() throws IOException {
        int count = random.nextInt(least, most + 1);
        Map<String, Integer> taken = new HashMap<>();
        List<JsonNode> parts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            MediaBucket bucket = draw(buckets.stream()
                    .filter(each -> taken.getOrDefault(each.modality(), 0) < limits.getOrDefault(each.modality(), 0))
                    .toList());
            taken.merge(bucket.modality(), 1, Integer::sum);
            parts.add(part(bucket));
        }
        return parts;
    }

    private MediaBucket draw(List<MediaBucket> open) {
        double at = random.nextDouble()
                * open.stream().mapToDouble(MediaBucket::weight).sum();
        for (MediaBucket bucket : open) {
            at -= bucket.weight();
            if (at < 0) {
                return bucket;
            }
        }
        return open.get(open.size() - 1);
    }

    /** A video is its frames as JPEG, which vLLM takes, too. */
    private JsonNode part(MediaBucket bucket) throws IOException {
        List<String> frames = new ArrayList<>();
        for (int i = 0; i < bucket.frames(); i++) {
            frames.add(Base64.getEncoder().encodeToString(jpeg(bucket.width(), bucket.height())));
        }
        String type = bucket.modality() + "_url";
        String url = "data:%s/jpeg;base64,%s"
                .formatted(bucket.modality(), frames.stream().collect(Collectors.joining(",")));
        var part = JsonNodeFactory.instance.objectNode().put("type", type);
        part.putObject(type).put("url", url);
        return part;
    }

    private byte[] jpeg(int width, int height) throws IOException {
        var picture = new BufferedImage(width, height, BufferedImage.TYPE_3BYTE_BGR);
        random.nextBytes(((DataBufferByte) picture.getRaster().getDataBuffer()).getData());
        var file = new ByteArrayOutputStream();
        ImageIO.write(picture, "jpeg", file);
        return file.toByteArray();
    }
}
