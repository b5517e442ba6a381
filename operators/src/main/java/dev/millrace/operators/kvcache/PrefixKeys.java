package dev.millrace.operators.kvcache;

import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.util.ArrayList;
import java.util.List;

/** The keys of one sequence's full blocks, each computed once, when first asked for. */
public final class PrefixKeys {

    private final BlockHasher hasher;
    private final TokenIds tokens;
    private final List<MediaSpan> media;
    private final List<BlockKey> keys = new ArrayList<>();

    /**
     * @param tokens the sequence's known tokens, growing
     * @param media its media in order
     */
    public PrefixKeys(BlockHasher hasher, TokenIds tokens, List<MediaSpan> media) {
        this.hasher = hasher;
        this.tokens = tokens;
        this.media = media;
    }

    /** Blocks whose tokens are all known. */
    public int fullBlocks() {
        return tokens.size() / hasher.blockSize();
    }

    /** Key of a full block. */
    public BlockKey at(int block) {
        for (int next = keys.size(); next <= block; next++) {
            BlockKey parent = next == 0 ? BlockKey.ROOT : keys.get(next - 1);
            keys.add(hasher.hash(parent, tokens, next * hasher.blockSize(), media));
        }
        return keys.get(block);
    }
}
