package dev.millrace.operators.kvcache;

import dev.millrace.model.media.MediaKey;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.util.List;
import java.util.function.IntConsumer;

/** Allocators and hashers with one fault each, now and then, to see that tests find it. */
public final class BrokenAllocators {

    private static final int RARELY = 7;

    private BrokenAllocators() {}

    /** Gives a table's blocks back a second time. */
    public static final class FreesTwice extends PoisoningAllocator {
        private int calls;

        public FreesTwice(int numBlocks, IntConsumer poison) {
            super(numBlocks, poison);
        }

        @Override
        public void free(BlockTable table) {
            BlockTable again = new BlockTable();
            for (int i = 0; i < table.size(); i++) {
                again.add(table.block(i));
            }
            super.free(table);
            if (++calls % RARELY == 0) {
                super.free(again);
            }
        }
    }

    /** Does not give a table's last block back. */
    public static final class ForgetsToFree extends PoisoningAllocator {
        private int calls;

        public ForgetsToFree(int numBlocks, IntConsumer poison) {
            super(numBlocks, poison);
        }

        @Override
        public void free(BlockTable table) {
            if (++calls % RARELY == 0 && table.size() > 0) {
                super.reference(table.block(table.size() - 1));
            }
            super.free(table);
        }
    }

    /** Shares a block without counting the new holder. */
    public static final class ForgetsReference extends PoisoningAllocator {
        private int calls;

        public ForgetsReference(int numBlocks, IntConsumer poison) {
            super(numBlocks, poison);
        }

        @Override
        void reference(int block) {
            super.reference(block);
            if (++calls % RARELY == 0) {
                super.release(block);
            }
        }
    }

    /** Gives a block to a second holder, with all the books in order. */
    public static final class HandsOutHeldBlock extends PoisoningAllocator {
        private final IntConsumer poison;
        private int calls;
        private int last;

        public HandsOutHeldBlock(int numBlocks, IntConsumer poison) {
            super(numBlocks, poison);
            this.poison = poison;
        }

        @Override
        int take() {
            if (++calls % RARELY == 0 && last != 0) {
                reference(last);
                poison.accept(last);
                return last;
            }
            last = super.take();
            return last;
        }

        @Override
        void release(int block) {
            super.release(block);
            last = 0;
        }
    }

    /** Lets blocks be found that are only partly written. */
    public static final class RegistersEarly extends PoisoningAllocator {
        public RegistersEarly(int numBlocks, IntConsumer poison) {
            super(numBlocks, poison);
        }

        @Override
        public void register(BlockTable table, PrefixKeys sequence, int full) {
            super.register(table, sequence, Math.min(table.size(), sequence.fullBlocks()));
        }
    }

    /** Takes equal text for equal content, whatever the picture. */
    public static final class IgnoresMedia extends BlockHasher {
        public IgnoresMedia(int blockSize) {
            super(blockSize);
        }

        @Override
        void addMedia(MediaKey key, int offset) {}
    }

    /** Takes equal blocks for equal content, whatever came before. */
    public static final class IgnoresParent extends BlockHasher {
        public IgnoresParent(int blockSize) {
            super(blockSize);
        }

        @Override
        BlockKey hash(BlockKey parent, TokenIds tokens, int start, List<MediaSpan> media) {
            return super.hash(BlockKey.ROOT, tokens, start, media);
        }
    }
}
