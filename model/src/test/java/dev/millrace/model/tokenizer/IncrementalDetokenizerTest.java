package dev.millrace.model.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class IncrementalDetokenizerTest {

    private static final DjlTokenizer TOKENIZER =
            DjlTokenizer.open(Path.of(System.getProperty("millrace.root"), "models/demo-vl/tokenizer.json"));

    /** Token id for each byte. */
    private static final int[] BYTE_IDS =
            IntStream.range(0, 256).map(IncrementalDetokenizerTest::idOf).toArray();

    @Test
    void piecesJoinedAreTheDecodedWhole() {
        Random random = new Random(3);
        for (int i = 0; i < 2000; i++) {
            int[] ids = RandomIds.next(random, TOKENIZER);
            boolean skip = random.nextBoolean();

            assertThat(join(ids, skip)).isEqualTo(TOKENIZER.decode(ids, skip));
        }
    }

    @Test
    void noPieceHasHalfACharacterWhereverTokensCutIt() {
        String text = "aé你🚀👩‍👩‍👧 e\u0301\u0300 ñ\u0000ж";
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        var detokenizer = new IncrementalDetokenizer(TOKENIZER, true);
        StringBuilder joined = new StringBuilder();
        for (byte b : bytes) {
            String piece = detokenizer.append(BYTE_IDS[b & 0xff]);

            assertThat(piece).doesNotContain("\ufffd");
            assertThat(piece.codePoints()).noneMatch(c -> c >= 0xd800 && c <= 0xdfff);
            assertThat(piece.codePointCount(0, piece.length())).isLessThanOrEqualTo(1);
            joined.append(piece);
        }
        assertThat(joined.append(detokenizer.flush())).hasToString(text);
    }

    @Test
    void randomTextSurvivesAnyCut() {
        Random random = new Random(4);
        int[] ranges = {0x20, 0x7f, 0xa1, 0x24f, 0x300, 0x36f, 0x4e00, 0x9fff, 0x1f300, 0x1f6ff};
        for (int i = 0; i < 300; i++) {
            StringBuilder text = new StringBuilder();
            for (int c = 0; c < 30; c++) {
                int range = 2 * random.nextInt(ranges.length / 2);
                text.appendCodePoint(random.nextInt(ranges[range], ranges[range + 1]));
            }
            int[] ids = random.nextBoolean() ? TOKENIZER.encodeText(text.toString()) : bytesOf(text.toString());

            assertThat(join(ids, true)).isEqualTo(TOKENIZER.decode(ids, true));
        }
    }

    @Test
    void invalidBytesAreGivenOutAsSoonAsTheyCannotBecomeACharacter() {
        var detokenizer = new IncrementalDetokenizer(TOKENIZER, true);

        assertThat(detokenizer.append(BYTE_IDS[0x80])).isEqualTo("\ufffd");
        assertThat(detokenizer.append(BYTE_IDS[0xf0])).isEmpty();
        assertThat(detokenizer.append(BYTE_IDS[0x9f])).isEmpty();
        assertThat(detokenizer.append(BYTE_IDS[0x9a])).isEmpty();
        assertThat(detokenizer.append(BYTE_IDS['x'])).isEqualTo("\ufffdx");
        assertThat(detokenizer.append(BYTE_IDS[0xed])).isEmpty();
        assertThat(detokenizer.append(BYTE_IDS[0xa0])).isEqualTo("\ufffd\ufffd"); // would be a surrogate
    }

    @Test
    void anIncompleteCharacterAtTheEndIsFlushedOnce() {
        var detokenizer = new IncrementalDetokenizer(TOKENIZER, true);

        assertThat(detokenizer.append(BYTE_IDS[0xe4])).isEmpty();
        assertThat(detokenizer.flush()).isEqualTo("\ufffd");
        assertThat(detokenizer.flush()).isEmpty();
    }

    @Test
    void specialTokensAreLeftOutOrShown() {
        int end = TOKENIZER.specialTokenId("<|im_end|>");

        assertThat(new IncrementalDetokenizer(TOKENIZER, true).append(end)).isEmpty();
        assertThat(new IncrementalDetokenizer(TOKENIZER, false).append(end)).isEqualTo("<|im_end|>");
    }

    @Test
    void idsBeyondTheTokenizerGiveNoTextAndBreakNoCharacter() {
        var detokenizer = new IncrementalDetokenizer(TOKENIZER, true);

        assertThat(detokenizer.append(BYTE_IDS[0xc3])).isEmpty();
        assertThat(detokenizer.append(1_000_000)).isEmpty();
        assertThat(detokenizer.append(BYTE_IDS[0xa9])).isEqualTo("é");
    }

    private static String join(int[] ids, boolean skipSpecialTokens) {
        var detokenizer = new IncrementalDetokenizer(TOKENIZER, skipSpecialTokens);
        StringBuilder joined = new StringBuilder();
        for (int id : ids) {
            joined.append(detokenizer.append(id));
        }
        return joined.append(detokenizer.flush()).toString();
    }

    private static int[] bytesOf(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return IntStream.range(0, bytes.length)
                .map(i -> BYTE_IDS[bytes[i] & 0xff])
                .toArray();
    }

    private static int idOf(int b) {
        return IntStream.range(0, TOKENIZER.vocabSize())
                .filter(id -> TOKENIZER.tokenBytes(id).length == 1 && (TOKENIZER.tokenBytes(id)[0] & 0xff) == b)
                .findFirst()
                .orElseThrow();
    }
}
