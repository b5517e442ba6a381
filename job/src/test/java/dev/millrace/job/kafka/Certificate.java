package dev.millrace.job.kafka;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** A server's self-signed certificate for the loopback interface, in a key store that is a trust store as well. */
public record Certificate(Path file) {

    private static final String PASSWORD = "changeit";

    /** Makes one with the JDK's {@code keytool}. */
    public static Certificate make(Path folder) throws IOException, InterruptedException {
        Path file = folder.resolve("server.p12");
        Path log = folder.resolve("keytool.log");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "SAN=dns:localhost,ip:127.0.0.1",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        PASSWORD,
                        "-keystore",
                        file.toString())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        if (keytool.waitFor() != 0) {
            throw new IOException("keytool failed: " + Files.readString(log));
        }
        return new Certificate(file);
    }

    /** What who trusts it sets. */
    public Map<String, String> truststore() {
        return store("truststore");
    }

    /** What a broker that has it sets. */
    public Map<String, String> keystore() {
        return store("keystore");
    }

    private Map<String, String> store(String name) {
        String prefix = "ssl." + name + ".";
        return Map.of(prefix + "location", file.toString(), prefix + "password", PASSWORD, prefix + "type", "PKCS12");
    }

    /** A server's side of TLS with it. */
    SSLContext server() throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(file.toFile(), PASSWORD.toCharArray());
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, PASSWORD.toCharArray());
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
    }
}
