package dev.millrace.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gateway.http.FakeGenerations.Submitted;
import dev.millrace.gateway.http.GatewayConfig.Limits;
import dev.millrace.schemas.FinishReason;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What clients cannot do: send too much, too slowly, not read, go away unnoticed. And how the server goes away itself. */
class LimitsTest extends HttpTest {

    private static final String CHAT = "/v1/chat/completions";
    private static final String HELLO = "'messages': [{'role': 'user', 'content': 'Hello'}]";
    private static final Duration SHORT = Duration.ofSeconds(5); // for which this thread may be held up in between
    private static final Duration PATIENCE = Duration.ofSeconds(FakeGenerations.PATIENCE_SECONDS);

    private static Limits limits(int body, int unread, Duration idle) {
        return new Limits(body, 10L * body, 8 << 10, unread, idle);
    }

    @Test
    void bodyThatIsTooLargeIsRefused() throws Exception {
        start(config(limits(10_000, 1 << 20, PATIENCE), Duration.ZERO));
        String body = "{'prompt': '" + "x".repeat(3_000_000) + "'}";
        HttpResponse<String> announced = wait(send("/v1/completions", body));
        assertThat(announced.statusCode()).isEqualTo(413);
        assertThat(json(announced).path("error").path("code").intValue()).isEqualTo(413);
        assertThat(announced.body()).contains("larger than 10000 bytes");

        var chunked = request("/tokenize")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofInputStream(
                        () -> new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8))))
                .build();
        assertThat(client.send(chunked, BodyHandlers.ofString()).statusCode()).isEqualTo(413);
        assertThat(get("/version").statusCode()).isEqualTo(200);
    }

    @Test
    void bodyThatIsAnnouncedAndTooLargeIsNotAskedFor() throws Exception {
        start(config(limits(10_000, 1 << 20, PATIENCE), Duration.ZERO));
        try (Socket socket = connect()) {
            write(socket, head("/tokenize", 1_000_000) + "Expect: 100-continue\r\n\r\n");
            assertThat(statusLine(socket)).isEqualTo("HTTP/1.1 413 Request Entity Too Large");
        }
        try (Socket socket = connect()) {
            write(socket, head("/tokenize", 15) + "Expect: 100-continue\r\n\r\n");
            assertThat(statusLine(socket)).isEqualTo("HTTP/1.1 100 Continue");
            write(socket, "{\"prompt\": \"x\"}");
            assertThat(statusLine(socket)).isEmpty();
            assertThat(statusLine(socket)).isEqualTo("HTTP/1.1 200 OK");
        }
    }

    @Test
    void headThatIsTooLargeIsRefused() throws Exception {
        start(config(limits(10_000, 1 << 20, PATIENCE), Duration.ZERO));
        var header = request("/version").header("X-Long", "x".repeat(20_000)).build();
        HttpResponse<String> response = client.send(header, BodyHandlers.ofString());
        assertThat(response.statusCode()).isEqualTo(431);
        assertThat(response.body()).contains("\"code\":431");
        assertThat(get("/version?" + "x".repeat(20_000)).statusCode()).isEqualTo(414);
    }

    @Test
    void whatIsNoHttpIsRefused() throws Exception {
        start(config());
        try (Socket socket = connect()) {
            write(socket, "nonsense without end\r\n\r\n");
            assertThat(statusLine(socket)).isEqualTo("HTTP/1.0 400 Bad Request");
        }
    }

    @Test
    void bodyThatDoesNotComeIsGivenUp() throws Exception {
        start(config(limits(10_000, 1 << 20, SHORT), Duration.ZERO));
        try (Socket none = connect();
                Socket begun = connect()) {
            write(none, head("/tokenize", 100) + "\r\n");
            write(begun, head("/tokenize", 100) + "\r\n{");
            assertThat(statusLine(none)).isEqualTo("HTTP/1.1 408 Request Timeout");
            assertThat(statusLine(begun)).isEqualTo("HTTP/1.1 408 Request Timeout");
        }
    }

    @Test
    void connectionThatSaysNothingIsClosed() throws Exception {
        start(config(limits(10_000, 1 << 20, SHORT), Duration.ZERO));
        try (Socket silent = connect();
                Socket slow = connect();
                Socket answered = connect()) {
            write(slow, "GET /version HTTP/1.1\r\nHost: x\r\nX-Slow: ");
            write(answered, "GET /version HTTP/1.1\r\nHost: x\r\n\r\n");
            assertThat(readUntil(answered.getInputStream(), "until it is closed"))
                    .endsWith("{\"version\":\"1.2.3\"}");
            assertThat(silent.getInputStream().read()).isEqualTo(-1);
            assertThat(slow.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void answerMayTakeLongerThanAConnectionMayRest() throws Exception {
        start(config(limits(10_000, 1 << 20, SHORT), Duration.ZERO));
        try (Socket waiting = connect();
                Socket silent = connect()) {
            String body = ("{" + HELLO + "}").replace('\'', '"');
            write(waiting, head(CHAT, body.length()) + "\r\n" + body);
            Submitted sent = generations.take();
            assertThat(silent.getInputStream().read()).as("the time has passed").isEqualTo(-1);
            sent.answer("a");
            assertThat(statusLine(waiting)).isEqualTo("HTTP/1.1 200 OK");
        }
    }

    @Test
    void clientThatDoesNotReadIsCutOff() throws Exception {
        start(config(limits(10_000, 64 << 10, PATIENCE), Duration.ZERO));
        try (Socket socket = connect()) {
            socket.setReceiveBufferSize(4 << 10);
            String body = ("{" + HELLO + ", 'stream': true}").replace('\'', '"');
            write(socket, head(CHAT, body.length()) + "\r\n" + body);
            Submitted sent = generations.take();
            String text = "x".repeat(16 << 10);
            for (int i = 0; i < 4_000 && !sent.isCancelled(); i++) {
                sent.token(0, 1, text);
            }
            sent.awaitCancel();
        }
        assertThat(get("/load").body()).isEqualTo("{\"server_load\":0}");
    }

    @Test
    void clientThatReadsNothingForTooLongIsCutOff() throws Exception {
        start(config(limits(10_000, 64 << 20, SHORT), Duration.ZERO));
        try (Socket socket = connect()) {
            String body = ("{" + HELLO + ", 'stream': true}").replace('\'', '"');
            write(socket, head(CHAT, body.length()) + "\r\n" + body);
            Submitted sent = generations.take();
            sent.token(0, 1, "x".repeat(32 << 20));
            sent.awaitCancel();
        }
    }

    /** Asks by a connection of its own, and has the first token told. */
    private Submitted begin(Socket socket, boolean stream) throws Exception {
        String body = ("{" + HELLO + ", 'stream': " + stream + "}").replace('\'', '"');
        write(socket, head(CHAT, body.length()) + "\r\n" + body);
        Submitted sent = generations.take();
        sent.token(0, 1, "a");
        return sent;
    }

    @Test
    void clientThatGoesAwayEndsItsRequest() throws Exception {
        start(config());
        for (boolean stream : new boolean[] {false, true}) {
            Submitted sent;
            try (Socket socket = connect()) {
                sent = begin(socket, stream);
                if (stream) {
                    assertThat(statusLine(socket)).isEqualTo("HTTP/1.1 200 OK");
                }
                assertThat(sent.isCancelled()).isFalse();
            }
            sent.awaitCancel();
            sent.last(0, 2, "b", FinishReason.STOP, null).end(1, 2);
        }
        assertThat(get("/load").body()).isEqualTo("{\"server_load\":0}");
    }

    /** By the status that was sent, as prometheus-fastapi-instrumentator does. */
    @Test
    @Timeout(FakeGenerations.PATIENCE_SECONDS)
    void clientThatGoesAwayIsCountedOnce() throws Exception {
        start(config());
        for (boolean stream : new boolean[] {true, false}) {
            Submitted sent;
            try (Socket socket = connect()) {
                sent = begin(socket, stream);
                if (stream) {
                    readUntil(socket.getInputStream(), "data: ");
                }
            }
            sent.awaitCancel();
            sent.last(0, 2, "b", FinishReason.STOP, null).end(1, 2);
        }
        try (Socket socket = connect()) {
            write(socket, head(CHAT, 100) + "\r\n{");
        }
        String inBody = "http_requests_total{handler=\"/v1/chat/completions\",method=\"POST\",status=\"4xx\"} 1.0";
        while (!get("/metrics").body().contains(inBody)) {
            Thread.onSpinWait();
        }
        assertThat(get("/metrics").body().lines())
                .contains(
                        "http_requests_total{handler=\"/v1/chat/completions\",method=\"POST\",status=\"2xx\"} 2.0",
                        "http_request_duration_seconds_count{handler=\"/v1/chat/completions\",method=\"POST\"} 3.0");
    }

    @Test
    void requestsOnOneConnectionAreAnsweredInOrder() throws Exception {
        start(config());
        try (Socket socket = connect()) {
            String body = ("{" + HELLO + "}").replace('\'', '"');
            write(socket, head(CHAT, body.length()) + "\r\n" + body + "GET /version HTTP/1.1\r\nHost: x\r\n\r\n");
            generations.take().answer("first");
            String all = readUntil(socket.getInputStream(), "1.2.3");
            assertThat(all.indexOf("first")).isPositive().isLessThan(all.indexOf("1.2.3"));
        }
    }

    @Test
    void stopEndsWhatIsUnderWay() throws Exception {
        start(config());
        var stream = send(CHAT, "{" + HELLO + ", 'stream': true}");
        Submitted streamed = generations.take();
        streamed.token(0, 1, "a");
        var whole = send(CHAT, "{" + HELLO + "}");
        Submitted collected = generations.take();
        collected.token(0, 1, "a");
        server.close();

        assertThat(wait(stream).body()).contains("\"code\":503").endsWith("data: [DONE]\n\n");
        assertThat(wait(whole).statusCode()).isEqualTo(503);
        streamed.awaitCancel();
        collected.awaitCancel();
        assertThatThrownBy(() -> get("/version")).isInstanceOf(IOException.class);
    }

    @Test
    void stopDoesNotWaitForWhoDoesNotRead() throws Exception {
        start(config(limits(10_000, 64 << 20, PATIENCE), Duration.ZERO));
        try (Socket socket = connect()) {
            String body = ("{" + HELLO + ", 'stream': true}").replace('\'', '"');
            write(socket, head(CHAT, body.length()) + "\r\n" + body);
            Submitted sent = generations.take();
            sent.token(0, 1, "x".repeat(32 << 20));
            server.close();
            sent.awaitCancel();
        }
        assertThatThrownBy(() -> get("/version")).isInstanceOf(IOException.class);
    }

    @Test
    void stopMayWaitForWhatIsUnderWay() throws Exception {
        start(config(Limits.DEFAULT, PATIENCE));
        var response = send(CHAT, "{" + HELLO + "}");
        Submitted sent = generations.take();
        Thread stopping = new Thread(() -> {
            try {
                server.close();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        stopping.start();
        while (get("/health").statusCode() == 200) {
            Thread.onSpinWait();
        }
        assertThat(wait(send(CHAT, "{" + HELLO + "}")).statusCode()).isEqualTo(503);
        sent.answer("to the end");
        assertThat(wait(response).body()).contains("to the end");
        stopping.join(PATIENCE.toMillis());
        assertThat(stopping.isAlive()).isFalse();
        assertThat(sent.isCancelled()).isFalse();
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket("127.0.0.1", server.port());
        socket.setSoTimeout((int) PATIENCE.toMillis());
        return socket;
    }

    private static String head(String path, int length) {
        return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " + length
                + "\r\n";
    }

    private static void write(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String statusLine(Socket socket) throws IOException {
        return readUntil(socket.getInputStream(), "\r\n").strip();
    }

    private static String readUntil(InputStream in, String end) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int c = in.read(); c >= 0; c = in.read()) {
            text.append((char) c);
            if (text.indexOf(end, text.length() - end.length()) >= 0) {
                break;
            }
        }
        return text.toString();
    }
}
