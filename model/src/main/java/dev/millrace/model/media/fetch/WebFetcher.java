package dev.millrace.model.media.fetch;

import dev.millrace.model.InvalidInputException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;

/** Fetches over HTTP and HTTPS within a time, a size and a number of redirects; every hop's host is judged. */
final class WebFetcher {

    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);

    /** What a server sent may be in a reason. */
    private static final Pattern CONTROLS = Pattern.compile("\\p{Cntrl}");

    private final FetchSettings settings;
    private final HostRule hosts;
    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofSeconds(10))
            .build();

    WebFetcher(FetchSettings settings, HostRule.Resolver resolver) {
        this.settings = settings;
        this.hosts = new HostRule(settings.allowedMediaDomains(), settings.allowPrivateAddresses(), resolver);
    }

    /** @param latest when it must be here at the latest, by {@link System#nanoTime} */
    byte[] fetch(String url, boolean video, long maxBytes, long latest) {
        long now = System.nanoTime();
        long deadline = now + Math.min(settings.timeout(video).toNanos(), latest - now);
        URI at = Urls.parse(url);
        for (int hops = 0; hops <= settings.maxRedirects(); hops++) {
            hosts.check(at);
            HttpResponse<byte[]> response = get(at, deadline, maxBytes);
            hosts.check(at);
            if (response.statusCode() == 200) {
                return response.body();
            }
            String location = response.headers().firstValue("Location").orElse(null);
            if (!REDIRECTS.contains(response.statusCode()) || location == null) {
                throw failed(at, "the server answered with status " + response.statusCode(), null);
            }
            at = target(at, location);
        }
        throw failed(at, "more than " + settings.maxRedirects() + " redirects", null);
    }

    private static URI target(URI from, String location) {
        URI target = from.resolve(Urls.parse(location));
        if (!"http".equalsIgnoreCase(target.getScheme()) && !"https".equalsIgnoreCase(target.getScheme())) {
            throw failed(from, "it redirects to " + Urls.shown(target.toString()), null);
        }
        return target;
    }

    private HttpResponse<byte[]> get(URI url, long deadline, long maxBytes) {
        var answer = ask(url, maxBytes);
        try {
            return answer.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            answer.cancel(true);
            throw failed(
                    url,
                    "it takes longer than the " + settings.imageTimeout().toMillis() / 1000.0 + " s for a picture, "
                            + settings.videoTimeout().toMillis() / 1000.0 + " s for a video or "
                            + settings.promptTimeout().toMillis() / 1000.0 + " s for all of a prompt",
                    e);
        } catch (InterruptedException e) {
            answer.cancel(true);
            Thread.currentThread().interrupt();
            throw new CancellationException("fetching " + Urls.shown(url.toString()) + " was interrupted");
        } catch (ExecutionException e) {
            throw failed(url, reason(e.getCause()), e.getCause());
        }
    }

    private CompletableFuture<HttpResponse<byte[]>> ask(URI url, long maxBytes) {
        try {
            var request =
                    HttpRequest.newBuilder(url).header("User-Agent", "Millrace").build();
            return client.sendAsync(request, info -> new BoundedBody(info, maxBytes));
        } catch (IllegalArgumentException e) {
            throw failed(url, e.getMessage(), e);
        }
    }

    private static String reason(Throwable cause) {
        if (cause instanceof ConnectException) {
            return "no connection could be made; is the server up, and the port right?";
        }
        String reason = cause instanceof IOException ? cause.getMessage() : cause.toString();
        return reason == null
                ? cause.getClass().getSimpleName()
                : CONTROLS.matcher(reason).replaceAll("?");
    }

    private static InvalidInputException failed(URI url, String why, Throwable cause) {
        return new InvalidInputException("cannot fetch " + Urls.shown(url.toString()) + ": " + why, null, cause);
    }
}
