package dev.millrace.model.media;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

class FfmpegTest {

    @Test
    void theMemoryOfTheProcessIsNotTheBindingsToLimit() {
        Ffmpeg.prepare();
        assertThat(Pointer.maxPhysicalBytes()).isZero();
    }
}
