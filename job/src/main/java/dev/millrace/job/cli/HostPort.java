package dev.millrace.job.cli;

import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads the address of a server. */
final class HostPort implements ITypeConverter<HostPort.Address> {

    private static final Pattern FORM = Pattern.compile("(\\[[0-9a-fA-F:]+]|[^\\s:/]+):(\\d{1,5})");

    /** A host and its port. */
    record Address(String host, int port) {}

    @Override
    public Address convert(String value) {
        var match = FORM.matcher(value);
        if (!match.matches() || Integer.parseInt(match.group(2)) > 65_535) {
            throw new TypeConversionException(
                    "'%s' is not of the form host:port, with a port up to 65535".formatted(value));
        }
        return new Address(match.group(1), Integer.parseInt(match.group(2)));
    }
}
