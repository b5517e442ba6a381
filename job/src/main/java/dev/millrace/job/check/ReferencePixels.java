package dev.millrace.job.check;

import dev.millrace.model.checkpoint.SafetensorsFile;
import dev.millrace.model.media.MediaItem;

/** The patches of {@code pixel_values-X.safetensors}, by picture; nothing where there is no such file. */
final class ReferencePixels implements AutoCloseable {

    private final SafetensorsFile file;

    ReferencePixels(VectorFiles files, String suffix) {
        String name = "pixel_values-" + suffix + ".safetensors";
        this.file = files.exists(name) ? SafetensorsFile.open(files.resolve(name)) : null;
    }

    boolean contains(String picture) {
        return file != null && file.contains(tensorName(picture));
    }

    /** Patches of a picture (by its path): [patches · 1176]. */
    float[] patches(String picture) {
        return file.tensor(tensorName(picture)).toFloats();
    }

    /** The item with the reference's patches in place of ours, where it has them in the same number. */
    MediaItem replaceIn(MediaItem item, String picture) {
        if (!contains(picture)) {
            return item;
        }
        float[] patches = patches(picture);
        return patches.length != item.patches().length
                ? item
                : new MediaItem(
                        item.key(),
                        item.video(),
                        item.gridT(),
                        item.gridH(),
                        item.gridW(),
                        item.secondsPerGrid(),
                        patches);
    }

    @Override
    public void close() {
        if (file != null) {
            file.close();
        }
    }

    private static String tensorName(String picture) {
        String name = picture.substring(picture.lastIndexOf('/') + 1);
        return name.substring(0, Math.max(0, name.lastIndexOf('.')));
    }
}
