package dev.millrace.gateway.http;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;

/** A key and its self-signed certificate for 127.0.0.1, made by the JDK's keytool, as PEM files. */
record Identity(Path certificateFile, Path keyFile, X509Certificate certificate, PrivateKey privateKey) {

    private static final char[] PASSWORD = "password".toCharArray();

    static Identity make(Path folder, String name, String algorithm) throws Exception {
        Path file = folder.resolve(name + ".p12");
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias=" + name,
                "-keyalg=" + algorithm,
                "-dname=CN=" + name,
                "-ext=san=ip:127.0.0.1",
                "-storetype=PKCS12",
                "-storepass=password",
                "-keystore=" + file);
        Process keytool = new ProcessBuilder(
                        command.stream().flatMap(Identity::option).toList())
                .redirectErrorStream(true)
                .start();
        String output = new String(keytool.getInputStream().readAllBytes());
        if (keytool.waitFor() != 0) {
            throw new IOException(output);
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, PASSWORD);
        }
        X509Certificate certificate = (X509Certificate) store.getCertificate(name);
        PrivateKey key = (PrivateKey) store.getKey(name, PASSWORD);
        return new Identity(
                pem(folder.resolve(name + ".crt"), "CERTIFICATE", certificate.getEncoded()),
                pem(folder.resolve(name + ".key"), "PRIVATE KEY", key.getEncoded()),
                certificate,
                key);
    }

    private static Stream<String> option(String argument) {
        return argument.startsWith("-") ? Stream.of(argument.split("=", 2)) : Stream.of(argument);
    }

    private static Path pem(Path file, String type, byte[] der) throws IOException {
        String base64 = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
        return Files.writeString(file, "-----BEGIN %1$s-----\n%2$s\n-----END %1$s-----\n".formatted(type, base64));
    }

    /** What a client needs that trusts this server. */
    SSLContext trusted() throws GeneralSecurityException, IOException {
        return context(null);
    }

    /** What a client needs that trusts this server and shows a certificate of its own. */
    SSLContext trustedBy(Identity client) throws GeneralSecurityException, IOException {
        return context(client);
    }

    private SSLContext context(Identity client) throws GeneralSecurityException, IOException {
        KeyStore trust = KeyStore.getInstance("PKCS12");
        trust.load(null, null);
        trust.setCertificateEntry("server", certificate);
        TrustManagerFactory trusts = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trusts.init(trust);
        KeyManager[] own = client == null ? null : new KeyManager[] {new Insisting(client)};
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(own, trusts.getTrustManagers(), new SecureRandom());
        return context;
    }

    /** Shows a client's certificate whatever authorities the server names. */
    private static final class Insisting extends X509ExtendedKeyManager {

        private static final String ALIAS = "client";

        private final Identity client;

        Insisting(Identity client) {
            this.client = client;
        }

        @Override
        public String[] getClientAliases(String keyType, Principal[] issuers) {
            return new String[] {ALIAS};
        }

        @Override
        public String chooseClientAlias(String[] keyType, Principal[] issuers, Socket socket) {
            return ALIAS;
        }

        @Override
        public String chooseEngineClientAlias(String[] keyType, Principal[] issuers, SSLEngine engine) {
            return ALIAS;
        }

        @Override
        public String[] getServerAliases(String keyType, Principal[] issuers) {
            return null;
        }

        @Override
        public String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
            return null;
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return new X509Certificate[] {client.certificate()};
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return client.privateKey();
        }
    }
}
