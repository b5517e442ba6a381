package dev.millrace.model.directory;

import dev.millrace.model.checkpoint.CheckpointException;
import dev.millrace.model.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.Arrays;

/** What a model must be to draft for another: one that gives the same ids to the same texts. */
public final class DraftModel {

    private DraftModel() {}

    /**
     * Checks that a draft model has a model's tokenizer. Either may know more ids than the other, and embeddings may be padded
     * differently.
     *
     * @param tokenizer the model's
     * @throws CheckpointException if the draft model's folder cannot be read, or an id means something else there
     */
    public static void check(Path folder, Tokenizer tokenizer) {
        var directory = new ModelDirectory(folder);
        directory.config();
        Tokenizer drafts = directory.tokenizer();
        int both = Math.min(tokenizer.vocabSize(), drafts.vocabSize());
        for (int id = 0; id < both; id++) {
            boolean same = tokenizer.isSpecial(id) == drafts.isSpecial(id)
                    && Arrays.equals(tokenizer.tokenBytes(id), drafts.tokenBytes(id));
            if (!same) {
                throw new CheckpointException("the draft model in " + folder.toAbsolutePath()
                        + " has another tokenizer: id " + id + " is '" + drafts.tokenString(id) + "' there, but '"
                        + tokenizer.tokenString(id) + "' to the model; choose one with the model's tokenizer");
            }
        }
    }
}
