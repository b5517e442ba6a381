package dev.millrace.job.kafka;

import java.io.Serializable;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;

/**
 * A schema registry with Confluent's REST interface, and how one logs in there, in the words of Confluent's clients.
 *
 * @param url its address; {@code user:password@} in it is sent as basic authentication
 * @param properties {@code basic.auth.user.info} (a user, a colon and a password), which is sent instead unless
 *     {@code basic.auth.credentials.source} is {@code URL}; and {@code ssl.truststore.location} and its like, as Kafka's
 *     clients know them
 */
public record SchemaRegistry(String url, Map<String, String> properties) implements Serializable {

    /** Longest wait for a connection, and for an answer. */
    static final Duration PATIENCE = Duration.ofSeconds(10);

    private static final String SOURCE = "basic.auth.credentials.source";
    private static final String USER = "basic.auth.user.info";
    private static final String URL = "URL";
    private static final String USER_INFO = "USER_INFO";
    private static final String TLS = "ssl.";

    /** @throws IllegalArgumentException if the properties of the login cannot be used; names them */
    public SchemaRegistry {
        properties = Map.copyOf(properties);
        String source = source(properties);
        if (!source.equals(URL) && !source.equals(USER_INFO)) {
            throw new IllegalArgumentException(SOURCE + " is " + source + "; URL and USER_INFO are supported");
        }
        if (source.equals(USER_INFO) && !properties.containsKey(USER)) {
            throw new IllegalArgumentException(SOURCE + " is USER_INFO, but " + USER + " is missing");
        }
    }

    /** One that needs nothing but its address. */
    public static SchemaRegistry of(String url) {
        return new SchemaRegistry(url, Map.of());
    }

    /** @throws IllegalArgumentException if the properties of TLS cannot be used on this machine */
    public void check() {
        tls();
    }

    /** A client that trusts whom the properties say. */
    HttpClient client() {
        HttpClient.Builder builder = HttpClient.newBuilder().connectTimeout(PATIENCE);
        tls().ifPresent(builder::sslContext);
        return builder.build();
    }

    /** What the header {@code Authorization} says; empty if nobody logs in. */
    Optional<String> authorization() {
        String user = source(properties).equals(URL) ? URI.create(url).getUserInfo() : properties.get(USER);
        return Optional.ofNullable(user)
                .map(text -> Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8)))
                .map(text -> "Basic " + text);
    }

    /** The address of a path, without a user. */
    URI resolve(String path) {
        URI base = URI.create(url.endsWith("/") ? url.substring(0, url.length() - 1) : url);
        String port = base.getPort() < 0 ? "" : ":" + base.getPort();
        return URI.create(base.getScheme() + "://" + base.getHost() + port + base.getRawPath() + path);
    }

    private Optional<SSLContext> tls() {
        if (properties.keySet().stream().noneMatch(key -> key.startsWith(TLS))) {
            return Optional.empty();
        }
        var definition = new ConfigDef();
        SslConfigs.addClientSslSupport(definition);
        try (var engines = new DefaultSslEngineFactory()) {
            engines.configure(definition.parse(properties));
            return Optional.of(engines.sslContext());
        } catch (ConfigException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        } catch (KafkaException e) {
            throw new IllegalArgumentException("the properties ssl.* cannot be used: " + e.getMessage(), e);
        }
    }

    private static String source(Map<String, String> properties) {
        return properties.getOrDefault(SOURCE, properties.containsKey(USER) ? USER_INFO : URL);
    }
}
