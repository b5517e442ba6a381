package dev.millrace.operators.kvcache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.model.media.MediaItem;
import dev.millrace.model.media.MediaKey;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BlockAllocatorTest {

    private static final int BLOCK_SIZE = 16;

    private final BlockHasher hasher = new BlockHasher(BLOCK_SIZE);
    private final BlockAllocator allocator = new BlockAllocator(6); // five to give

    @Test
    void theNullBlockIsNeverGivenOut() {
        BlockTable table = new BlockTable();
        assertThat(allocator.tryExtend(table, 5)).isTrue();
        assertThat(blocks(table)).containsExactlyInAnyOrder(1, 2, 3, 4, 5);
        assertThat(allocator.numFree()).isZero();
    }

    @Test
    void anExtensionThatDoesNotFitChangesNothing() {
        BlockTable table = new BlockTable();
        assertThat(allocator.tryExtend(table, 6)).isFalse();
        assertThat(table.size()).isZero();
        assertThat(allocator.numFree()).isEqualTo(5);
    }

    @Test
    void aTableTellsOfEachChangeOnceFromTheFirstOn() {
        BlockTable table = new BlockTable();
        allocator.tryExtend(table, 3);
        assertThat(table.takeFirstChanged()).isZero();
        assertThat(table.takeFirstChanged()).as("nothing has").isEqualTo(3);
        int replaced = table.block(1);
        allocator.replace(table, 1);
        allocator.letGo(replaced);
        allocator.tryExtend(table, 4);
        assertThat(table.takeFirstChanged()).isEqualTo(1);
        allocator.tryExtend(table, 5);
        assertThat(table.takeFirstChanged()).isEqualTo(4);
        allocator.free(table);
        allocator.tryExtend(table, 2);
        assertThat(table.takeFirstChanged()).as("it has begun anew").isZero();
    }

    @Test
    void fullBlocksAreFoundAgainByTheirContent() {
        PrefixKeys keys = keys(48, 1);
        BlockTable table = written(keys, 3);
        allocator.free(table);
        assertThat(allocator.cachedBlocks(keys(48, 1), 3)).isEqualTo(3);
        assertThat(allocator.cachedBlocks(keys(48, 1), 2)).isEqualTo(2);
        assertThat(allocator.cachedBlocks(keys(48, 2), 3)).as("other text").isZero();
    }

    @Test
    void aSharedBlockIsFreeOnlyWhenAllHaveLetGo() {
        PrefixKeys keys = keys(32, 1);
        BlockTable first = written(keys, 2);
        BlockTable second = new BlockTable();
        allocator.share(second, keys, 2);
        assertThat(blocks(second)).isEqualTo(blocks(first));
        allocator.free(first);
        assertThat(allocator.numFree()).isEqualTo(3);
        allocator.free(second);
        assertThat(allocator.numFree()).isEqualTo(5);
        allocator.checkIntegrity(List.of());
    }

    @Test
    void theLeastRecentlyUsedGoesFirstAndOfOneSequenceItsTail() {
        PrefixKeys older = keys(32, 1);
        PrefixKeys newer = keys(32, 2);
        BlockTable first = written(older, 2);
        BlockTable second = written(newer, 2);
        allocator.free(first);
        allocator.free(second);
        BlockTable other = new BlockTable();
        assertThat(allocator.tryExtend(other, 2)).isTrue();
        assertThat(allocator.cachedBlocks(older, 2)).as("its tail is gone").isEqualTo(1);
        assertThat(allocator.cachedBlocks(newer, 2)).isEqualTo(2);
        assertThat(allocator.tryExtend(other, 4)).isTrue();
        assertThat(allocator.cachedBlocks(older, 2)).isZero();
        assertThat(allocator.cachedBlocks(newer, 2)).isEqualTo(1);
    }

    @Test
    void aHitKeepsABlockFromBeingGivenAway() {
        PrefixKeys keys = keys(32, 1);
        allocator.free(written(keys, 2));
        BlockTable hit = new BlockTable();
        allocator.share(hit, keys, 2);
        BlockTable other = new BlockTable();
        assertThat(allocator.tryExtend(other, 4)).isFalse();
        assertThat(allocator.tryExtend(other, 3)).isTrue();
        assertThat(blocks(other)).doesNotContainAnyElementsOf(blocks(hit));
        allocator.checkIntegrity(List.of(hit, other));
    }

    @Test
    void whatIsSharedFromTheFreeBlocksIsNotFreeForTheRest() {
        PrefixKeys keys = keys(80, 1);
        BlockTable table = written(keys, 3);
        assertThat(allocator.fits(keys, 3, 5)).as("shared blocks in use").isTrue();
        allocator.free(table);
        assertThat(allocator.fits(keys, 3, 5)).as("shared blocks free").isTrue();
        assertThat(allocator.fits(keys, 3, 6)).isFalse();
        assertThat(allocator.fits(keys, 0, 5)).isTrue();
    }

    @Test
    void aBlockFreedWithoutHolderIsRefused() {
        BlockTable table = new BlockTable();
        allocator.tryExtend(table, 1);
        BlockTable copy = new BlockTable();
        copy.add(table.block(0));
        allocator.free(table);
        assertThatThrownBy(() -> allocator.free(copy)).hasMessageContaining("nobody holds it");
    }

    @Test
    void aTableNobodyKnowsOfIsFound() {
        allocator.tryExtend(new BlockTable(), 1);
        assertThatThrownBy(() -> allocator.checkIntegrity(List.of())).hasMessageContaining("references differ");
    }

    @Test
    void anotherPictureInTheSamePlaceGivesOtherKeysFromThereOn() {
        PrefixKeys one = keys(64, 1, picture(20, 1));
        PrefixKeys same = keys(64, 1, picture(20, 1));
        PrefixKeys other = keys(64, 1, picture(20, 2));
        assertThat(other.at(0)).as("before the picture").isEqualTo(one.at(0));
        for (int block = 1; block < 4; block++) {
            assertThat(same.at(block)).isEqualTo(one.at(block));
            assertThat(other.at(block)).isNotEqualTo(one.at(block));
        }
    }

    @Test
    void aPictureElsewhereInTheBlockGivesAnotherKey() {
        assertThat(keys(16, 1, picture(3, 1)).at(0))
                .isNotEqualTo(keys(16, 1, picture(4, 1)).at(0));
    }

    private BlockTable written(PrefixKeys keys, int blocks) {
        BlockTable table = new BlockTable();
        assertThat(allocator.tryExtend(table, blocks)).isTrue();
        allocator.register(table, keys, blocks);
        return table;
    }

    private PrefixKeys keys(int length, int text, MediaSpan... media) {
        int[] prompt = IntStream.range(text * 100, text * 100 + length).toArray();
        return new PrefixKeys(hasher, new TokenIds(prompt, new IntList(0)), List.of(media));
    }

    private static MediaSpan picture(int start, long key) {
        return new MediaSpan(start, new MediaItem(new MediaKey(key, key), false, 1, 4, 4, 0, new float[0]));
    }

    private static List<Integer> blocks(BlockTable table) {
        return IntStream.range(0, table.size()).mapToObj(table::block).toList();
    }
}
