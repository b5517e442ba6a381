package dev.millrace.job;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.util.concurrent.CountDownLatch;

/** A server of one sample picture that hands it out when it is told to, so that who asked for it waits. */
final class HeldPicture implements AutoCloseable {

    private final byte[] bytes;
    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch handed = new CountDownLatch(1);
    private final HttpServer server;

    HeldPicture(String sample) throws IOException {
        bytes = Files.readAllBytes(OpenAiServer.SAMPLES.resolve(sample));
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
    }

    private void answer(HttpExchange exchange) throws IOException {
        asked.countDown();
        try {
            handed.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
        exchange.getResponseHeaders().set("Content-Type", "image/png");
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    String url() {
        return "http://127.0.0.1:%d/picture.png".formatted(server.getAddress().getPort());
    }

    void awaitAsked() throws InterruptedException {
        asked.await();
    }

    void hand() {
        handed.countDown();
    }

    @Override
    public void close() {
        hand();
        server.stop(0);
    }
}
