package dev.millrace.gpu.operations;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gpu.device.Type;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import org.junit.jupiter.api.Test;

class VisionBuffersTest {

    private static final VisionConfig RELEASED =
            new VisionConfig(32, 1280, 3420, 16, 3584, 14, 2, 2, 112, new int[] {7, 15, 23, 31}, 2, 1, 2, 3, 4);

    @Test
    void theLargestPictureTakesAGigabyteAndASmallOneLittle() {
        assertThat(GpuVisionOperations.bytes(RELEASED, Type.BF16, 64_896)).isBetween(1_450_000_000L, 1_550_000_000L);
        assertThat(GpuVisionOperations.bytes(RELEASED, Type.BF16, 1024)).isBetween(30_000_000L, 50_000_000L);
    }
}
