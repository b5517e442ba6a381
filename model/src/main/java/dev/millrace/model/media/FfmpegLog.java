package dev.millrace.model.media;

import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_QUIET;
import static org.bytedeco.ffmpeg.global.avutil.av_log_set_level;

/** FFmpeg's own log, one for the process: it writes to standard error what is wrong with users' files. */
final class FfmpegLog {

    private FfmpegLog() {}

    /** Whoever uses FFmpeg calls this first. */
    static void silence() {
        av_log_set_level(AV_LOG_QUIET);
    }
}
