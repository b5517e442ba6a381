package dev.millrace.gateway.http;

import dev.millrace.model.InvalidInputException;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ClientAuth;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.core.net.PemTrustOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.util.Map;
import java.util.concurrent.Callable;
import javax.net.ssl.X509KeyManager;

/**
 * The server's certificate, and which certificates its clients must have. Files are PEM; flags and meanings are vLLM's, which
 * are those of Python's {@code ssl}.
 *
 * @param certificate the server's, with those that lead to its authority ({@code --ssl-certfile})
 * @param key its private key, not encrypted ({@code --ssl-keyfile}); null: in the file of the certificate
 * @param authorities whose clients are trusted ({@code --ssl-ca-certs}); null: none
 * @param clients which of them must have a certificate ({@code --ssl-cert-reqs})
 */
public record Tls(Path certificate, Path key, Path authorities, ClientCertificates clients) {

    private static final String CERTIFICATE_FLAG = "--ssl-certfile";
    private static final String KEY_FLAG = "--ssl-keyfile";
    private static final String AUTHORITIES_FLAG = "--ssl-ca-certs";
    private static final String CLIENTS_FLAG = "--ssl-cert-reqs";

    /** By type of key. */
    private static final Map<String, String> SIGNATURES =
            Map.of("RSA", "SHA256withRSA", "EC", "SHA256withECDSA", "EdDSA", "EdDSA");

    /** Whether clients must show certificates, in the order of the flag's numbers. */
    public enum ClientCertificates {
        NONE(ClientAuth.NONE),
        OPTIONAL(ClientAuth.REQUEST),
        REQUIRED(ClientAuth.REQUIRED);

        private final ClientAuth auth;

        ClientCertificates(ClientAuth auth) {
            this.auth = auth;
        }
    }

    /** @throws InvalidInputException if something is missing that the rest needs */
    public Tls {
        require(
                certificate != null,
                "%s, %s and %s need the server's certificate, %s"
                        .formatted(KEY_FLAG, AUTHORITIES_FLAG, CLIENTS_FLAG, CERTIFICATE_FLAG),
                CERTIFICATE_FLAG);
        require(
                clients == ClientCertificates.NONE || authorities != null,
                CLIENTS_FLAG + " " + clients.ordinal() + " needs the authorities that clients are trusted by, "
                        + AUTHORITIES_FLAG,
                AUTHORITIES_FLAG);
    }

    private static void require(boolean holds, String message, String flag) {
        if (!holds) {
            throw new InvalidInputException(message, flag);
        }
    }

    /** @throws InvalidInputException if a file cannot be used; it names the flag */
    void apply(HttpServerOptions options, Vertx vertx) {
        Path keys = key == null ? certificate : key;
        String keyFlag = key == null ? CERTIFICATE_FLAG : KEY_FLAG;
        Buffer chain = content(CERTIFICATE_FLAG, certificate);
        usable(CERTIFICATE_FLAG, certificate, "certificate in PEM", () -> new PemTrustOptions()
                .addCertValue(chain)
                .loadKeyStore(vertx));
        PemKeyCertOptions own = new PemKeyCertOptions().setCertValue(chain).setKeyValue(content(keyFlag, keys));
        X509KeyManager manager = usable(keyFlag, keys, "private key in PEM, of the certificate and not encrypted", () ->
                (X509KeyManager) own.getKeyManagerFactory(vertx).getKeyManagers()[0]);
        requirePair(manager, keyFlag, keys);
        options.setSsl(true).setUseAlpn(false).setKeyCertOptions(own).setClientAuth(clients.auth);
        if (authorities != null) {
            PemTrustOptions trusted = new PemTrustOptions().addCertValue(content(AUTHORITIES_FLAG, authorities));
            usable(AUTHORITIES_FLAG, authorities, "certificate in PEM", () -> trusted.loadKeyStore(vertx));
            options.setTrustOptions(trusted);
        }
    }

    private static Buffer content(String flag, Path file) {
        try {
            return Buffer.buffer(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new InvalidInputException("%s '%s' cannot be read: %s".formatted(flag, file, e), flag);
        }
    }

    private static <T> T usable(String flag, Path file, String what, Callable<T> reading) {
        try {
            return reading.call();
        } catch (Exception e) {
            throw new InvalidInputException("%s '%s' has no usable %s: %s".formatted(flag, file, what, e), flag);
        }
    }

    /** What the key signs the certificate must verify; else every handshake would fail. */
    private void requirePair(X509KeyManager manager, String keyFlag, Path keys) {
        boolean pair = SIGNATURES.entrySet().stream().anyMatch(type -> {
            String[] aliases = manager.getServerAliases(type.getKey(), null);
            return aliases != null
                    && isPair(
                            manager.getPrivateKey(aliases[0]),
                            manager.getCertificateChain(aliases[0])[0].getPublicKey(),
                            type.getValue());
        });
        require(
                pair,
                "%s '%s' is not the key of %s '%s'".formatted(keyFlag, keys, CERTIFICATE_FLAG, certificate),
                keyFlag);
    }

    private static boolean isPair(PrivateKey secret, PublicKey open, String algorithm) {
        try {
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(secret);
            byte[] signed = signature.sign();
            signature.initVerify(open);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }
}
