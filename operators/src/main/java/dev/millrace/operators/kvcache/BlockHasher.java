package dev.millrace.operators.kvcache;

import dev.millrace.model.media.MediaKey;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.security.SecureRandom;
import java.util.List;

/**
 * Keys of full blocks: a hash under a secret key of this hasher over the parent's key, the tokens, and for each media item
 * that reaches into the block its key and where it starts relative to the block (vLLM {@code kv_cache_utils.py},
 * {@code hash_block_tokens}). So equal keys mean equal tokens and media from the start of the sequence on, against
 * chance and against an attacker.
 */
public class BlockHasher {

    private final int blockSize;
    private final SipHash128 hash;

    public BlockHasher(int blockSize) {
        this.blockSize = blockSize;
        SecureRandom random = new SecureRandom();
        hash = new SipHash128(random.nextLong(), random.nextLong());
    }

    int blockSize() {
        return blockSize;
    }

    /** Key of the block whose first token is at {@code start}. */
    BlockKey hash(BlockKey parent, TokenIds tokens, int start, List<MediaSpan> media) {
        hash.begin();
        hash.add(parent.high());
        hash.add(parent.low());
        int end = start + blockSize;
        for (int i = start; i < end; i += 2) {
            long second = i + 1 < end ? tokens.get(i + 1) : 0;
            hash.add((long) tokens.get(i) << 32 | second);
        }
        for (int i = 0; i < media.size() && media.get(i).start() < end; i++) {
            MediaSpan span = media.get(i);
            if (span.end() > start) {
                addMedia(span.item().key(), span.start() - start);
            }
        }
        long high = hash.finish();
        return new BlockKey(high, hash.secondHalf());
    }

    /** Adds what tells a media item that reaches into the block from any other, and from itself elsewhere. */
    void addMedia(MediaKey key, int offset) {
        hash.add(key.high());
        hash.add(key.low());
        hash.add(offset);
    }
}
