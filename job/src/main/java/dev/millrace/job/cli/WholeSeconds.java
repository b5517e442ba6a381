package dev.millrace.job.cli;

import java.time.Duration;
import picocli.CommandLine.ITypeConverter;

/** Reads a number of seconds, as vLLM has them. */
final class WholeSeconds implements ITypeConverter<Duration> {

    @Override
    public Duration convert(String value) {
        return Duration.ofSeconds(new IntegerFrom.Zero().convert(value));
    }
}
