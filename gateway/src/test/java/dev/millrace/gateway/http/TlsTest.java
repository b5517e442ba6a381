package dev.millrace.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gateway.http.FakeGenerations.Submitted;
import dev.millrace.gateway.http.GatewayConfig.Limits;
import dev.millrace.gateway.http.Tls.ClientCertificates;
import dev.millrace.model.InvalidInputException;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Iterator;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** HTTPS: what is served over it, which clients may, and files that cannot be used. */
class TlsTest extends HttpTest {

    private static final Duration PATIENCE = Duration.ofSeconds(FakeGenerations.PATIENCE_SECONDS);

    @TempDir
    static Path folder;

    private static Identity rsa;
    private static Identity elliptic;
    private static Identity stranger;

    @BeforeAll
    static void makeCertificates() throws Exception {
        rsa = Identity.make(folder, "rsa", "RSA");
        elliptic = Identity.make(folder, "elliptic", "EC");
        stranger = Identity.make(folder, "stranger", "EC");
    }

    private static GatewayConfig config(Tls tls, Limits limits) {
        return on(new Listener("127.0.0.1", 0, null, tls), RootPath.NONE, config(limits, Duration.ZERO));
    }

    private void start(Tls tls) throws IOException {
        start(config(tls, Limits.DEFAULT));
    }

    private static Tls plain(Identity identity) {
        return new Tls(identity.certificateFile(), identity.keyFile(), null, ClientCertificates.NONE);
    }

    private static Tls asking(ClientCertificates clients) {
        return new Tls(rsa.certificateFile(), rsa.keyFile(), elliptic.certificateFile(), clients);
    }

    private HttpRequest.Builder secure(String path) {
        return HttpRequest.newBuilder(URI.create(server.url().resolve(path).toString()))
                .timeout(PATIENCE);
    }

    private static HttpClient client(SSLContext context) {
        return HttpClient.newBuilder().sslContext(context).build();
    }

    private HttpResponse<String> version(SSLContext context) throws IOException, InterruptedException {
        return client(context).send(secure("/version").build(), BodyHandlers.ofString());
    }

    @Test
    void theCertificateIsServedAndCallsAreAnswered() throws Exception {
        for (Identity identity : new Identity[] {rsa, elliptic}) {
            start(plain(identity));
            assertThat(server.url()).hasToString("https://127.0.0.1:" + server.port() + "/v1");
            HttpResponse<String> response = version(identity.trusted());
            assertThat(response.body()).isEqualTo("{\"version\":\"1.2.3\"}");
            assertThat(response.version()).isEqualTo(HttpClient.Version.HTTP_1_1);
            X509Certificate served =
                    (X509Certificate) response.sslSession().orElseThrow().getPeerCertificates()[0];
            assertThat(served).isEqualTo(identity.certificate());
            stop();
        }
    }

    @Test
    void whoDoesNotTrustTheCertificateIsNotTalkedTo() throws Exception {
        start(plain(rsa));
        assertThatThrownBy(() -> version(elliptic.trusted())).isInstanceOf(SSLHandshakeException.class);
        assertThat(version(rsa.trusted()).statusCode()).isEqualTo(200);
    }

    @Test
    void anAnswerIsStreamedAsItsTokensCome() throws Exception {
        start(plain(elliptic));
        HttpRequest request = secure("/v1/completions")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString("{\"prompt\": \"x\", \"stream\": true}"))
                .build();
        var response = client(elliptic.trusted()).sendAsync(request, BodyHandlers.ofLines());
        Submitted sent = generations.take();
        sent.token(0, 1, "one");
        try (Stream<String> lines = wait(response).body()) {
            Iterator<String> data = lines.filter(line -> line.contains("text") || line.contains("DONE"))
                    .iterator();
            assertThat(data.next()).as("before the second is there").contains("\"text\":\"one\"");
            sent.answer("two");
            assertThat(data.next()).contains("\"text\":\"two\"");
        }
    }

    @Test
    void plainHttpIsRefusedAndCostsNobodyElse() throws Exception {
        start(plain(rsa));
        try (Socket socket = new Socket("127.0.0.1", server.port())) {
            socket.setSoTimeout((int) PATIENCE.toMillis());
            socket.getOutputStream().write("GET /version HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.UTF_8));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
            assertThat(answer).doesNotContain("HTTP/1.1").doesNotContain("version");
        }
        assertThat(version(rsa.trusted()).statusCode()).isEqualTo(200);
    }

    @Test
    void aClientNeedsACertificateWhereItIsRequired() throws Exception {
        start(asking(ClientCertificates.REQUIRED));
        assertThat(version(rsa.trustedBy(elliptic)).statusCode()).isEqualTo(200);
        assertThatThrownBy(() -> version(rsa.trusted())).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> version(rsa.trustedBy(stranger))).isInstanceOf(IOException.class);
    }

    @Test
    void aClientMayHaveACertificateWhereItIsOptional() throws Exception {
        start(asking(ClientCertificates.OPTIONAL));
        assertThat(version(rsa.trustedBy(elliptic)).statusCode()).isEqualTo(200);
        assertThat(version(rsa.trusted()).statusCode()).isEqualTo(200);
        assertThatThrownBy(() -> version(rsa.trustedBy(stranger))).isInstanceOf(IOException.class);
    }

    @Test
    void aClientsCertificateIsNotAskedForOtherwise() throws Exception {
        start(asking(ClientCertificates.NONE));
        assertThat(version(rsa.trusted()).statusCode()).isEqualTo(200);
        assertThat(version(rsa.trustedBy(stranger)).statusCode()).isEqualTo(200);
    }

    @Test
    void aClientThatDoesNotReadIsCutOffHereToo() throws Exception {
        start(config(plain(rsa), new Limits(10_000, 100_000, 8 << 10, 64 << 10, PATIENCE)));
        String body = "{\"prompt\": \"x\", \"stream\": true}";
        try (Socket socket = rsa.trusted().getSocketFactory().createSocket("127.0.0.1", server.port())) {
            socket.setReceiveBufferSize(1 << 12);
            socket.getOutputStream()
                    .write(("POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                    + "Content-Length: %d\r\n\r\n%s".formatted(body.length(), body))
                            .getBytes(StandardCharsets.UTF_8));
            Submitted sent = generations.take();
            String text = "x".repeat(16 << 10);
            for (int i = 0; i < 4_000 && !sent.isCancelled(); i++) {
                sent.token(0, 1, text);
            }
            sent.awaitCancel();
        }
        assertThat(version(rsa.trusted()).statusCode()).isEqualTo(200);
    }

    @Test
    void keyAndCertificateMayShareAFile() throws Exception {
        Path both = Files.writeString(
                folder.resolve("both.pem"), Files.readString(rsa.keyFile()) + Files.readString(rsa.certificateFile()));
        start(new Tls(both, null, null, ClientCertificates.NONE));
        assertThat(version(rsa.trusted()).statusCode()).isEqualTo(200);
    }

    @Test
    void filesThatCannotBeUsedAreToldByTheirFlag() throws Exception {
        Path absent = folder.resolve("absent.pem");
        Path nonsense = Files.write(folder.resolve("nonsense.pem"), new byte[] {0, 1, (byte) 0xff});
        Path torn = Files.writeString(
                folder.resolve("torn.pem"),
                Files.readString(rsa.certificateFile()).substring(0, 200));
        Path broken = Files.writeString(
                folder.resolve("broken.pem"), Files.readString(rsa.keyFile()).replaceAll("(?m)^[A-Za-z].{20}", "AAAA"));
        for (Path bad : new Path[] {absent, folder, nonsense, torn, rsa.keyFile()}) {
            assertThat(fault(new Tls(bad, rsa.keyFile(), null, ClientCertificates.NONE)))
                    .startsWith("--ssl-certfile '" + bad + "' ");
            assertThat(fault(new Tls(rsa.certificateFile(), rsa.keyFile(), bad, ClientCertificates.NONE)))
                    .startsWith("--ssl-ca-certs '" + bad + "' ");
        }
        for (Path bad : new Path[] {absent, folder, nonsense, broken, rsa.certificateFile()}) {
            assertThat(fault(new Tls(rsa.certificateFile(), bad, null, ClientCertificates.NONE)))
                    .startsWith("--ssl-keyfile '" + bad + "' ");
        }
        assertThat(fault(new Tls(rsa.certificateFile(), null, null, ClientCertificates.NONE)))
                .startsWith("--ssl-certfile '" + rsa.certificateFile() + "' has no usable private key");
    }

    @Test
    void aKeyOfAnotherCertificateIsRefused() throws Exception {
        Identity other = Identity.make(folder, "other", "RSA");
        assertThat(fault(new Tls(rsa.certificateFile(), other.keyFile(), null, ClientCertificates.NONE)))
                .isEqualTo("--ssl-keyfile '%s' is not the key of --ssl-certfile '%s'"
                        .formatted(other.keyFile(), rsa.certificateFile()));
        assertThat(fault(new Tls(rsa.certificateFile(), elliptic.keyFile(), null, ClientCertificates.NONE)))
                .startsWith("--ssl-keyfile '" + elliptic.keyFile() + "' ")
                .contains("does not match");
    }

    @ParameterizedTest
    @EnumSource(
            value = ClientCertificates.class,
            names = {"OPTIONAL", "REQUIRED"})
    void certificatesOfClientsNeedAnAuthority(ClientCertificates clients) {
        assertThatThrownBy(() -> new Tls(rsa.certificateFile(), rsa.keyFile(), null, clients))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("--ssl-cert-reqs " + clients.ordinal() + " needs")
                .hasMessageContaining("--ssl-ca-certs");
        assertThatThrownBy(() -> new Tls(null, rsa.keyFile(), rsa.certificateFile(), clients))
                .hasMessageContaining("need the server's certificate, --ssl-certfile");
    }

    private String fault(Tls tls) {
        try {
            start(tls);
        } catch (InvalidInputException e) {
            return e.getMessage();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        throw new AssertionError("it started");
    }
}
