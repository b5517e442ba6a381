package dev.millrace.model.media;

import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_QUIET;
import static org.bytedeco.ffmpeg.global.avutil.av_log_set_level;

/** What of FFmpeg and its binding is one for the process. */
final class Ffmpeg {

    private static final String MEMORY_LIMIT = "org.bytedeco.javacpp.maxPhysicalBytes";

    private Ffmpeg() {}

    /**
     * Whoever uses FFmpeg calls this first. It silences the log, which would write to standard error what is wrong with
     * users' files. And it lifts the binding's limit of four heaps on the memory of the process, whoever took it: beside a
     * model's weights no video could be read.
     */
    static void prepare() {
        if (System.getProperty(MEMORY_LIMIT) == null) {
            System.setProperty(MEMORY_LIMIT, "0");
        }
        av_log_set_level(AV_LOG_QUIET);
    }
}
