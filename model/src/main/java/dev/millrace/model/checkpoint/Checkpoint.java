package dev.millrace.model.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * The weights of a model folder: {@code model.safetensors}, or the shards that {@code model.safetensors.index.json} names.
 * Nothing is read but headers until a weight is asked for, which is then mapped.
 */
public final class Checkpoint implements WeightSource {

    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";
    private static final String HEAD = "lm_head.weight";
    private static final String EMBEDDING = "model.embed_tokens.weight";

    private record Location(SafetensorsFile file, String storedName) {}

    private final Path folder;
    private final boolean tieWordEmbeddings;
    private final Map<String, SafetensorsFile> shards = new LinkedHashMap<>();
    private final Map<String, Location> weights = new HashMap<>();

    private Checkpoint(Path folder, boolean tieWordEmbeddings) {
        this.folder = folder;
        this.tieWordEmbeddings = tieWordEmbeddings;
    }

    /**
     * Opens a model folder.
     *
     * @param tieWordEmbeddings whether {@code lm_head.weight} is the embedding
     * @throws CheckpointException if a file is missing or not right
     */
    public static Checkpoint open(Path folder, boolean tieWordEmbeddings) {
        Checkpoint checkpoint = new Checkpoint(folder, tieWordEmbeddings);
        try {
            checkpoint.openShards();
            return checkpoint;
        } catch (RuntimeException e) {
            checkpoint.close();
            throw e;
        }
    }

    @Override
    public Tensor weight(String name, long... shape) {
        String wanted = tieWordEmbeddings && name.equals(HEAD) ? EMBEDDING : name;
        Location location = weights.get(wanted);
        if (location == null) {
            throw new CheckpointException(folder + ": has no weight " + wanted
                    + (wanted.equals(HEAD) ? ", and config.json does not set tie_word_embeddings" : ""));
        }
        Tensor stored = location.file().tensor(location.storedName());
        if (!Arrays.equals(stored.shape(), shape)) {
            throw new CheckpointException(folder + ": weight " + name + " has shape " + Arrays.toString(stored.shape())
                    + "; config.json asks for " + Arrays.toString(shape));
        }
        return new Tensor(name, stored.dtype(), stored.shape(), stored.windows());
    }

    /** The published names of all weights. */
    public Set<String> names() {
        return Set.copyOf(weights.keySet());
    }

    @Override
    public void close() {
        shards.values().forEach(SafetensorsFile::close);
    }

    private void openShards() {
        if (Files.exists(folder.resolve(SINGLE))) {
            SafetensorsFile file = shard(SINGLE);
            file.names().forEach(name -> add(file, name));
        } else if (Files.exists(folder.resolve(INDEX))) {
            JsonObject weightMap = JsonObject.read(folder.resolve(INDEX)).object("weight_map");
            for (String name : weightMap.fields()) {
                add(shard(shardName(weightMap, name)), name);
            }
        } else {
            throw new CheckpointException(
                    folder + ": has neither " + SINGLE + " nor " + INDEX + " (only safetensors are read)");
        }
    }

    private SafetensorsFile shard(String fileName) {
        SafetensorsFile open = shards.get(fileName);
        if (open == null) {
            open = SafetensorsFile.open(folder.resolve(fileName));
            shards.put(fileName, open);
        }
        return open;
    }

    /** The file that the index names, which has to lie in the folder itself. */
    private static String shardName(JsonObject weightMap, String weight) {
        String fileName = weightMap.text(weight);
        if (!fileName.matches("[A-Za-z0-9_.-]+\\.safetensors")) {
            throw weightMap.error("weight " + weight + " is said to be in '" + fileName
                    + "'; expected is the name of a .safetensors file of the same folder");
        }
        return fileName;
    }

    private void add(SafetensorsFile file, String storedName) {
        if (!file.contains(storedName)) {
            throw new CheckpointException(file + ": has no tensor " + storedName + ", which " + INDEX + " says it has");
        }
        if (weights.put(publishedName(storedName), new Location(file, storedName)) != null) {
            throw new CheckpointException(
                    folder + ": weight " + publishedName(storedName) + " is there under its old and its new name");
        }
    }

    /** The name before transformers 4.52 moved the decoder and the tower into {@code model}. */
    private static String publishedName(String name) {
        if (name.startsWith("model.language_model.")) {
            return "model." + name.substring("model.language_model.".length());
        }
        return name.startsWith("model.visual.") ? name.substring("model.".length()) : name;
    }
}
