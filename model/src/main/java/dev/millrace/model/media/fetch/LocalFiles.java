package dev.millrace.model.media.fetch;

import dev.millrace.model.InvalidInputException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files under the one folder that is open to users; links are followed before that is judged. */
final class LocalFiles {

    private final Path root;

    /** @param root null: no file may be read */
    LocalFiles(Path root) {
        this.root = root;
    }

    byte[] read(String url, long maxBytes) {
        if (root == null) {
            throw new InvalidInputException("Cannot load local files without `--allowed-local-media-path`.", null);
        }
        Path path = path(url);
        try {
            Path allowed = root.toRealPath();
            Path written = path.normalize();
            if (!written.startsWith(root.toAbsolutePath().normalize()) && !written.startsWith(allowed)) {
                throw outside(path); // without a word on whether it exists
            }
            Path real = path.toRealPath();
            if (!real.startsWith(allowed)) {
                throw outside(path);
            }
            return readAll(real, maxBytes);
        } catch (IOException e) {
            throw new InvalidInputException("cannot read the local file " + path, null, e);
        }
    }

    private Path path(String url) {
        URI uri = Urls.parse(url);
        if (uri.getPath() == null || uri.getHost() != null && !uri.getHost().equals("localhost")) {
            throw new InvalidInputException("a file URL must be file:///path, got " + Urls.shown(url), null);
        }
        if (uri.getPath().indexOf('\0') >= 0) {
            throw new InvalidInputException("a file URL's path holds a zero character", null);
        }
        return Path.of(uri.getPath());
    }

    private InvalidInputException outside(Path path) {
        return new InvalidInputException(
                "The file path " + path + " must be a subpath of `--allowed-local-media-path` " + root + ".", null);
    }

    private static byte[] readAll(Path file, long maxBytes) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new InvalidInputException(file + " is not a regular file", null);
        }
        if (Files.size(file) > maxBytes) {
            throw new InvalidInputException(
                    file + " of " + Files.size(file) + " bytes is larger than the " + maxBytes + " allowed", null);
        }
        return Files.readAllBytes(file);
    }
}
