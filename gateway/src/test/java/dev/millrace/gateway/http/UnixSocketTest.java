package dev.millrace.gateway.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.gateway.http.FakeGenerations.Submitted;
import dev.millrace.gateway.openai.AnswerStyle;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server on a Unix domain socket. */
class UnixSocketTest extends HttpTest {

    @TempDir
    private Path folder;

    private static GatewayConfig on(Path socket) {
        return on(new Listener(null, 0, socket, null), RootPath.NONE, config(AnswerStyle.DEFAULT));
    }

    private static SocketChannel connect(Path socket) throws IOException {
        return SocketChannel.open(UnixDomainSocketAddress.of(socket));
    }

    private static void write(SocketChannel channel, String text) throws IOException {
        channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static String version(Path socket) throws IOException {
        try (SocketChannel channel = connect(socket)) {
            write(channel, "GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            return new String(Channels.newInputStream(channel).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void callsAreAnsweredOnTheSocketWhichIsGoneAfterwards() throws Exception {
        Path socket = folder.resolve("a socket");
        start(on(socket));
        assertThat(version(socket)).startsWith("HTTP/1.1 200 OK").endsWith("{\"version\":\"1.2.3\"}");
        assertThat(server.url().getSchemeSpecificPart()).isEqualTo(socket.toString());
        stop();
        assertThat(socket).doesNotExist();
    }

    @Test
    void anAnswerIsStreamedAndAClientThatGoesAwayEndsIt() throws Exception {
        Path socket = folder.resolve("s");
        start(on(socket));
        String body = "{\"prompt\": \"x\", \"stream\": true}";
        Submitted sent;
        try (SocketChannel channel = connect(socket)) {
            write(
                    channel,
                    "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                            .formatted(body.length(), body));
            sent = generations.take();
            sent.token(0, 1, "one");
            var text = new StringBuilder();
            var in = Channels.newInputStream(channel);
            while (text.indexOf("\"text\":\"one\"") < 0) {
                int read = in.read();
                assertThat(read).as(text.toString()).isNotNegative();
                text.append((char) read);
            }
        }
        sent.awaitCancel();
    }

    @Test
    void aSocketThatAKilledServerLeftIsReplaced() throws Exception {
        Path socket = folder.resolve("s");
        try (var killed = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            killed.bind(UnixDomainSocketAddress.of(socket));
        }
        assertThat(socket).exists();
        start(on(socket));
        assertThat(version(socket)).startsWith("HTTP/1.1 200 OK");
    }

    @Test
    void whatIsInUseIsLeftAlone() throws Exception {
        Path socket = folder.resolve("s");
        start(on(socket));
        assertThatThrownBy(() -> GatewayServer.start(on(socket), generations, TOKENIZER, CHATS))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cannot listen on socket " + socket);
        assertThat(version(socket)).startsWith("HTTP/1.1 200 OK");

        Path file = Files.writeString(folder.resolve("file"), "mine");
        for (Path other : new Path[] {file, folder, folder.resolve("no/folder"), folder.resolve("x".repeat(200))}) {
            assertThatThrownBy(() -> GatewayServer.start(on(other), generations, TOKENIZER, CHATS))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("cannot listen on socket " + other);
        }
        assertThat(file).hasContent("mine");
    }
}
