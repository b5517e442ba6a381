package dev.millrace.gateway.http;

/**
 * What a proxy in front has before every path ({@code --root-path}), whether it takes it off or not: requests are served with it
 * and without, as Starlette does ({@code get_route_path} of starlette/_utils.py).
 *
 * @param prefix empty, or slashes and names such as {@code /llm}
 */
public record RootPath(String prefix) {

    public static final RootPath NONE = new RootPath("");

    /** Slashes at its end change nothing, and it begins with one. */
    public RootPath {
        prefix = prefix.replaceAll("/+$", "");
        prefix = prefix.isEmpty() || prefix.startsWith("/") ? prefix : "/" + prefix;
    }

    /** A request's path without it. */
    String strip(String path) {
        if (path == null || !path.startsWith(prefix)) {
            return path;
        }
        String rest = path.substring(prefix.length());
        return rest.isEmpty() || rest.startsWith("/") ? rest : path;
    }
}
