package dev.millrace.operators.kvcache;

import dev.millrace.model.media.MediaKey;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;

/**
 * Keys of full blocks: SHA-256, cut to 128 bits, over the parent's key, the tokens, and for each media item that reaches
 * into the block its key and where it starts relative to the block (vLLM {@code kv_cache_utils.py},
 * {@code hash_block_tokens}). So equal keys mean equal tokens and media from the start of the sequence on, against
 * chance and against an attacker.
 */
public class BlockHasher {

    private static final int KEY_BYTES = 16;

    private final int blockSize;
    private final MessageDigest sha256;
    private final byte[] bytes;
    private final ByteBuffer message;

    public BlockHasher(int blockSize) {
        this.blockSize = blockSize;
        try {
            sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
        // Each item that reaches into a block has a token of its own there.
        bytes = new byte[KEY_BYTES + blockSize * (Integer.BYTES + KEY_BYTES + Integer.BYTES)];
        message = ByteBuffer.wrap(bytes);
    }

    int blockSize() {
        return blockSize;
    }

    /** Key of the block whose first token is at {@code start}. */
    BlockKey hash(BlockKey parent, IntList tokens, int start, List<MediaSpan> media) {
        message.clear().putLong(parent.high()).putLong(parent.low());
        for (int i = start; i < start + blockSize; i++) {
            message.putInt(tokens.get(i));
        }
        for (int i = 0; i < media.size() && media.get(i).start() < start + blockSize; i++) {
            MediaSpan span = media.get(i);
            if (span.end() > start) {
                putMedia(message, span.item().key(), span.start() - start);
            }
        }
        sha256.update(bytes, 0, message.position());
        ByteBuffer digest = ByteBuffer.wrap(sha256.digest());
        return new BlockKey(digest.getLong(), digest.getLong());
    }

    /** Adds what tells a media item that reaches into the block from any other, and from itself elsewhere. */
    void putMedia(ByteBuffer message, MediaKey key, int offset) {
        message.putLong(key.high()).putLong(key.low()).putInt(offset);
    }
}
