package dev.millrace.operators.kvcache;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class SipHash128Test {

    /** As {@code openssl mac -macopt size:16 SipHash} has it for key 00…0f and messages 00 01 02 …; the first is the reference's too. */
    @Test
    void hashesAreTheReferences() {
        assertThat(hash(0)).isEqualTo("a3817f04ba25a8e66df67214c7550293");
        assertThat(hash(1)).isEqualTo("3b62a9ba6258f5610f83e264f31497b4");
        assertThat(hash(10)).isEqualTo("d2c76ae17a4370f858fba4795a0df822");
    }

    private static String hash(int words) {
        SipHash128 hash = new SipHash128(0x0706050403020100L, 0x0f0e0d0c0b0a0908L);
        hash.begin();
        for (int i = 0; i < words; i++) {
            long word = 0;
            for (int b = 7; b >= 0; b--) {
                word = word << 8 | (i * 8 + b);
            }
            hash.add(word);
        }
        ByteBuffer bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(hash.finish()).putLong(hash.secondHalf());
        return HexFormat.of().formatHex(bytes.array());
    }
}
