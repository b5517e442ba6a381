package dev.millrace.job.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** Version of Millrace as the build knows it, and of the Java that runs it. */
final class VersionProvider implements IVersionProvider {

    @Override
    public String[] getVersion() {
        return new String[] {
            "millrace %s (Java %s, %s)"
                    .formatted(version(), System.getProperty("java.version"), System.getProperty("java.vm.vendor"))
        };
    }

    /** Millrace's. */
    static String version() {
        var build = new Properties();
        try (var in = VersionProvider.class.getResourceAsStream("/millrace.properties")) {
            build.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return build.getProperty("version");
    }
}
