package dev.millrace.job.cli;

import java.io.IOException;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** Version of Millrace as the build knows it, and of the Java that runs it. */
final class VersionProvider implements IVersionProvider {

    @Override
    public String[] getVersion() throws IOException {
        return new String[] {
            "millrace %s (Java %s, %s)"
                    .formatted(version(), System.getProperty("java.version"), System.getProperty("java.vm.vendor"))
        };
    }

    /** Millrace's alone. */
    static String version() throws IOException {
        var build = new Properties();
        try (var in = VersionProvider.class.getResourceAsStream("/millrace.properties")) {
            build.load(in);
        }
        return build.getProperty("version");
    }
}
