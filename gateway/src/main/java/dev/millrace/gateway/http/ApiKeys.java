package dev.millrace.gateway.http;

import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;

/** Who may call. Keys are compared by their hashes in constant time, so that nothing tells how much of a guess was right. */
final class ApiKeys {

    private static final String GUARDED = "/v1";

    private final List<byte[]> hashes;

    /** @param keys empty: everybody may */
    ApiKeys(List<String> keys) {
        this.hashes = keys.stream().map(ApiKeys::hash).toList();
    }

    /** @param path of the request, without what a proxy has before it */
    boolean admit(HttpServerRequest request, String path) {
        return hashes.isEmpty()
                || request.method().equals(HttpMethod.OPTIONS)
                || !path.startsWith(GUARDED)
                || isKey(request.getHeader("Authorization"));
    }

    private boolean isKey(String authorization) {
        int space = authorization == null ? -1 : authorization.indexOf(' ');
        if (space < 0 || !authorization.substring(0, space).equalsIgnoreCase("Bearer")) {
            return false;
        }
        byte[] given = hash(authorization.substring(space + 1));
        boolean any = false;
        for (byte[] hash : hashes) {
            any |= MessageDigest.isEqual(hash, given);
        }
        return any;
    }

    private static byte[] hash(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
