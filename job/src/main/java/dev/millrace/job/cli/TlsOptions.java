package dev.millrace.job.cli;

import dev.millrace.gateway.http.Tls;
import dev.millrace.gateway.http.Tls.ClientCertificates;
import dev.millrace.model.InvalidInputException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The server's certificate and its clients'. Names, meanings and defaults are vLLM's. */
final class TlsOptions {

    @Option(
            names = "--ssl-certfile",
            paramLabel = "FILE",
            description = "PEM of the server's certificate, with those that lead to its authority; the server speaks"
                    + " HTTPS then (default: none).")
    private Path certificate;

    @Option(
            names = "--ssl-keyfile",
            paramLabel = "FILE",
            description = "PEM of its private key, not encrypted (default: in the file of the certificate).")
    private Path key;

    @Option(
            names = "--ssl-ca-certs",
            paramLabel = "FILE",
            description = "PEM of the authorities by whose certificates clients are trusted (default: none).")
    private Path authorities;

    @Option(
            names = "--ssl-cert-reqs",
            paramLabel = "N",
            converter = Requirement.class,
            description = "Certificates of clients: 0: they are not asked for one; 1: they may have one; 2: they must"
                    + " (default: 0).")
    private ClientCertificates clients = ClientCertificates.NONE;

    /**
     * Null without any of them.
     *
     * @throws InvalidInputException if one of them lacks another
     */
    Tls tls() {
        boolean none = certificate == null && key == null && authorities == null && clients == ClientCertificates.NONE;
        return none ? null : new Tls(certificate, key, authorities, clients);
    }

    /** Reads a number of Python's {@code ssl.VerifyMode}. */
    static final class Requirement implements ITypeConverter<ClientCertificates> {

        @Override
        public ClientCertificates convert(String value) {
            if (!value.matches("[0-2]")) {
                throw new TypeConversionException("'%s' is none of 0, 1 and 2".formatted(value));
            }
            return ClientCertificates.values()[Integer.parseInt(value)];
        }
    }
}
