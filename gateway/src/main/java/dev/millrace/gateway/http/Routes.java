package dev.millrace.gateway.http;

import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Which handler answers which path and method. A path that ends with a slash stands for all that begin so; what a proxy has before
 * them is passed over.
 */
final class Routes {

    /** The handlers of a path. */
    static final class Route {

        private final Map<HttpMethod, Consumer<HttpServerRequest>> handlers = new HashMap<>();

        /** Null if the method is not allowed. What may be got may be asked for its headers alone. */
        Consumer<HttpServerRequest> handler(HttpMethod method) {
            return handlers.get(method.equals(HttpMethod.HEAD) ? HttpMethod.GET : method);
        }

        String allowed() {
            var names = handlers.keySet().stream().map(HttpMethod::name).collect(Collectors.toCollection(TreeSet::new));
            names.add("OPTIONS");
            if (names.contains("GET")) {
                names.add("HEAD");
            }
            return String.join(", ", names);
        }
    }

    private static final String NOWHERE = "none"; // so that guesses of paths do not become metrics

    private final RootPath root;
    private final Map<String, Route> routes = new HashMap<>();

    Routes(RootPath root) {
        this.root = root;
    }

    Routes add(HttpMethod method, String path, Consumer<HttpServerRequest> handler) {
        routes.computeIfAbsent(path, absent -> new Route()).handlers.put(method, handler);
        return this;
    }

    /** All paths. */
    Set<String> paths() {
        return new TreeSet<>(routes.keySet());
    }

    /** Null if there is no such path. */
    Route find(HttpServerRequest request) {
        return routes.get(name(request));
    }

    /** The path of a request as it is known here. */
    String path(HttpServerRequest request) {
        return root.strip(request.path());
    }

    /** The path by which a request's route was added. */
    String name(HttpServerRequest request) {
        String path = path(request);
        if (path != null && routes.containsKey(path) && !path.endsWith("/")) {
            return path;
        }
        return routes.keySet().stream()
                .filter(route -> route.endsWith("/") && path != null && path.startsWith(route))
                .filter(route -> path.length() > route.length())
                .findFirst()
                .orElse(NOWHERE);
    }
}
