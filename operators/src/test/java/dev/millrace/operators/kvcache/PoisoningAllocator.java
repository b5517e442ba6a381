package dev.millrace.operators.kvcache;

import java.util.function.IntConsumer;

/** An allocator that tells of every block whose content is lost from now on. */
public class PoisoningAllocator extends BlockAllocator {

    private final IntConsumer poison;

    public PoisoningAllocator(int numBlocks, IntConsumer poison) {
        super(numBlocks);
        this.poison = poison;
    }

    @Override
    int take() {
        int block = super.take();
        poison.accept(block);
        return block;
    }
}
