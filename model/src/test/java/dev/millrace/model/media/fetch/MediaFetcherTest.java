package dev.millrace.model.media.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.millrace.model.InvalidInputException;
import dev.millrace.model.media.EncodedMedia;
import dev.millrace.model.media.EncodedMedia.Kind;
import dev.millrace.model.media.MediaLimits;
import dev.millrace.model.media.MediaSource;
import dev.millrace.model.media.MediaSource.MediaOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MediaFetcherTest {

    private static final byte[] BODY = "picture".getBytes(StandardCharsets.UTF_8);
    private static final MediaLimits LIMITS = new MediaLimits(1000, 2000, 1, 1, 1, 1, 1);
    private static final Duration SLOW = Duration.ofSeconds(20);
    private static final Duration QUICK = Duration.ofMillis(100);
    private static final FetchSettings LOCAL = new FetchSettings(null, Set.of(), true, SLOW, SLOW, SLOW, 3);

    private final CountDownLatch end = new CountDownLatch(1);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private HttpServer server;

    @BeforeEach
    void serve() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/picture", exchange -> answer(exchange, 200, BODY, BODY.length));
        server.createContext("/gone", exchange -> answer(exchange, 404, BODY, BODY.length));
        server.createContext("/large", exchange -> answer(exchange, 200, new byte[1001], 1001));
        server.createContext("/endless", exchange -> {
            exchange.sendResponseHeaders(200, 0);
            try (var out = exchange.getResponseBody()) {
                while (end.getCount() > 0) {
                    out.write(new byte[100]);
                }
            }
        });
        server.createContext("/silent", exchange -> {
            try {
                end.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            exchange.close();
        });
        server.createContext("/once", exchange -> redirect(exchange, "/picture"));
        server.createContext("/round", exchange -> redirect(exchange, "/round"));
        server.createContext("/file", exchange -> redirect(exchange, "file:///etc/passwd"));
        server.createContext("/elsewhere", exchange -> redirect(exchange, "http://elsewhere.test/picture"));
        server.start();
    }

    @AfterEach
    void stop() {
        end.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    private static void answer(HttpExchange exchange, int status, byte[] body, long length) throws IOException {
        exchange.sendResponseHeaders(status, length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private static void redirect(HttpExchange exchange, String to) throws IOException {
        exchange.getResponseHeaders().add("Location", to);
        exchange.sendResponseHeaders(302, -1);
        exchange.close();
    }

    private static EncodedMedia fetch(FetchSettings settings, String url, boolean video) {
        return new MediaFetcher(settings, LIMITS)
                .begin(5000)
                .fetch(new MediaSource(video, url, List.of(), false, MediaOptions.DEFAULT));
    }

    private String url(String path) {
        return "http://localhost:" + server.getAddress().getPort() + path;
    }

    private void assertRefused(FetchSettings settings, String url, String... words) {
        assertThatThrownBy(() -> fetch(settings, url, false))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll(words);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/picture", "/once"})
    void aPictureComesOverHttp(String path) {
        EncodedMedia media = fetch(LOCAL, url(path), false);
        assertThat(media.kind()).isEqualTo(Kind.IMAGE);
        assertThat(media.files()).containsExactly(BODY);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/gone|the server answered with status 404",
                "/large|it has 1001 bytes, more than the 1000 allowed",
                "/endless|it has more bytes than the 1000 allowed",
                "/round|more than 3 redirects",
                "/file|it redirects to file:///etc/passwd"
            })
    void whatAServerDoesWrongIsSaid(String path, String why) {
        assertRefused(LOCAL, url(path), "cannot fetch " + url(path), why);
    }

    @Test
    void anUnreachableServerIsAnError() {
        String gone = url("/picture");
        server.stop(0);
        assertRefused(LOCAL, gone, "cannot fetch " + gone + ": no connection could be made");
    }

    @Test
    void whatAServerSendsDoesNotReachATerminal() throws Exception {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            threads.submit(() -> {
                try (var connection = socket.accept()) {
                    connection.getOutputStream().write("\033[2J\b\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                    end.await();
                }
                return null;
            });
            String url = "http://localhost:" + socket.getLocalPort() + "/";
            assertThatThrownBy(() -> fetch(LOCAL, url, false))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContainingAll("cannot fetch " + url, "?[2J?");
        }
    }

    @Test
    void aSilentServerIsGivenUp() {
        var settings = new FetchSettings(null, Set.of(), true, QUICK, SLOW, SLOW, 3);
        assertRefused(settings, url("/silent"), "it takes longer than the 0.1 s for a picture");
    }

    @Test
    void thePicturesOfAPromptHaveATimeTogether() {
        var settings = new FetchSettings(null, Set.of(), true, SLOW, SLOW, QUICK, 3);
        assertRefused(settings, url("/silent"), "0.1 s for all of a prompt");
    }

    @Test
    void anInterruptedFetchIsCancelled() {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> fetch(LOCAL, url("/silent"), false)).isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).as("the flag is set again").isTrue();
    }

    @Test
    void privateHostsAreNotAskedUnlessListed() {
        assertRefused(FetchSettings.DEFAULT, url("/picture"), "localhost is not on the public network");
        assertThat(fetch(domains("LOCALHOST"), url("/picture"), false).files()).containsExactly(BODY);
    }

    /** As whoever owns a name does it that means a public address when it is judged and a private one right after. */
    @Test
    void aNameThatChangesItsMeaningShowsNothingOfWhatIsThere() {
        for (String path : List.of("/picture", "/gone")) {
            Iterator<String> meanings = List.of("8.8.8.8", "127.0.0.1").iterator();
            var web = new WebFetcher(
                    FetchSettings.DEFAULT, host -> new InetAddress[] {InetAddress.getByName(meanings.next())});
            assertThatThrownBy(() -> web.fetch(url(path), false, 1000, System.nanoTime() + SLOW.toNanos()))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("localhost is not on the public network");
        }
    }

    @Test
    void everyHopIsJudged() {
        assertRefused(
                domains("localhost"),
                url("/elsewhere"),
                "The URL must be from one of the allowed domains: [localhost]. Input URL domain: elsewhere.test");
    }

    private static FetchSettings domains(String... hosts) {
        return new FetchSettings(null, Set.of(hosts), false, SLOW, SLOW, SLOW, 3);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "0.0.0.0",
                "10.1.2.3",
                "172.16.0.1",
                "192.168.1.1",
                "169.254.169.254",
                "100.64.0.1",
                "198.18.0.1",
                "255.255.255.255",
                "224.0.0.1",
                "::1",
                "::",
                "fe80::1",
                "fc00::1",
                "::ffff:10.0.0.1",
                "64:ff9b::a00:1",
                "2002:a00:1::",
                "ff02::1"
            })
    void addressesOfSpecialPurposeAreNotPublic(String address) throws IOException {
        assertThat(HostRule.isPublic(InetAddress.getByName(address))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"8.8.8.8", "100.63.0.1", "172.32.0.1", "198.20.0.1", "2606:4700::1111"})
    void otherAddressesArePublic(String address) throws IOException {
        assertThat(HostRule.isPublic(InetAddress.getByName(address))).isTrue();
    }

    @Test
    void aDataUrlHoldsAFileOrFrames() {
        String base64 = Base64.getEncoder().encodeToString(BODY);
        EncodedMedia picture = fetch(FetchSettings.DEFAULT, "data:image/png;base64," + base64, false);
        assertThat(picture.kind()).isEqualTo(Kind.IMAGE);
        assertThat(picture.files()).containsExactly(BODY);
        assertThat(fetch(FetchSettings.DEFAULT, "data:video/mp4;base64," + base64, true)
                        .kind())
                .isEqualTo(Kind.VIDEO);
        EncodedMedia frames = fetch(FetchSettings.DEFAULT, "data:video/jpeg;base64," + base64 + "," + base64, true);
        assertThat(frames.kind()).isEqualTo(Kind.FRAMES);
        assertThat(frames.files()).containsExactly(BODY, BODY);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "data:image/png,abc|Only base64 data URLs are supported",
                "data:image/png;base64|Only base64 data URLs are supported",
                "data:image/png;base64,a*b|base64 is not valid",
                "ftp://example.com/a.png|The URL must be either a HTTP, data or file URL, got ftp://example.com/a.png",
                "picture.png|The URL must be either a HTTP, data or file URL",
                "http:///picture|no host",
                "http://exa mple.com/|not a URL",
                "http://localhost:99999999/|cannot fetch"
            })
    void whatIsNotAUrlOfOursIsSaid(String url, String why) {
        assertRefused(LOCAL, url, why);
    }

    @Test
    void tooManyBytesAreRefusedHoweverTheyCome() {
        String data = Base64.getEncoder().encodeToString(new byte[1002]);
        assertRefused(LOCAL, "data:image/png;base64," + data, "1002 bytes is larger than the 1000 allowed");
        var frames = new MediaSource(true, null, List.of(new byte[1500], new byte[501]), true, MediaOptions.DEFAULT);
        assertThatThrownBy(() -> new MediaFetcher(LOCAL, LIMITS).begin(5000).fetch(frames))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("a video of 2001 bytes is larger than the 2000 allowed");
    }

    @Test
    void localFilesAreReadUnderOneFolderOnly(@TempDir Path folder) throws IOException {
        Path open = Files.createDirectory(folder.resolve("open"));
        Path inside = Files.write(open.resolve("a picture.png"), BODY);
        Path outside = Files.write(folder.resolve("secret"), BODY);
        Files.createSymbolicLink(open.resolve("link"), outside);
        Files.write(open.resolve("large"), new byte[1001]);
        assertRefused(
                FetchSettings.DEFAULT,
                inside.toUri().toString(),
                "Cannot load local files without `--allowed-local-media-path`.");
        var settings = new FetchSettings(open, Set.of(), false, SLOW, SLOW, SLOW, 0);
        assertThat(fetch(settings, inside.toUri().toString(), false).files()).containsExactly(BODY);
        assertRefused(settings, outside.toUri().toString(), "must be a subpath of `--allowed-local-media-path`");
        assertRefused(settings, "file:///etc/passwd", "must be a subpath of `--allowed-local-media-path`");
        assertRefused(settings, open.toUri() + "../secret", "must be a subpath of");
        assertRefused(settings, open.toUri() + "link", "must be a subpath of");
        assertRefused(settings, open.toUri() + "none", "cannot read the local file");
        assertRefused(settings, open.toUri() + "%00", "zero character");
        assertRefused(settings, open.toUri().toString(), "not a regular file");
        assertRefused(settings, open.toUri() + "large", "1001 bytes is larger than the 1000 allowed");
        assertRefused(settings, "file://server/share/a.png", "a file URL must be file:///path");
    }
}
