package dev.millrace.gpu.device;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Native libraries out of jars, in a folder of this process's own that lasts until they are loaded. JCuda would unpack
 * its libraries into the shared temporary folder under fixed names, where two processes that start together, or another
 * user, can make it load a broken or foreign file.
 */
final class UnpackedLibraries implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UnpackedLibraries.class);
    private static final String TEMPORARY_FOLDER = "java.io.tmpdir";

    private final Path folder;
    private final List<Path> files = new ArrayList<>();

    UnpackedLibraries() {
        try {
            folder = Files.createTempDirectory("millrace-gpu");
        } catch (IOException e) {
            throw new UncheckedIOException("no temporary folder for the GPU's libraries could be made", e);
        }
    }

    /** @return whether the class path has the resource, which is then loaded */
    boolean load(Class<?> neighbour, String resource) {
        Path file = folder.resolve(resource.substring(resource.lastIndexOf('/') + 1));
        try (InputStream in = neighbour.getResourceAsStream(resource)) {
            if (in == null) {
                return false;
            }
            if (!files.contains(file)) {
                files.add(file);
                Files.copy(in, file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("%s could not be unpacked into %s".formatted(resource, folder), e);
        }
        System.load(file.toString());
        return true;
    }

    /** Initialises a class of JCuda's, which loads its library, there already, from where it takes temporary files to be. */
    void initialize(Runnable firstUse) {
        String shared = System.setProperty(TEMPORARY_FOLDER, folder.toString());
        try {
            firstUse.run();
        } finally {
            System.setProperty(TEMPORARY_FOLDER, shared);
        }
    }

    /** Deletes the files, which a process that loaded them no longer needs. */
    @Override
    public void close() {
        try {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
            Files.delete(folder);
        } catch (DirectoryNotEmptyException e) {
            LOG.info("Another library made temporary files in {} meanwhile; the folder stays", folder);
        } catch (IOException e) {
            throw new UncheckedIOException("the unpacked libraries in " + folder + " could not be deleted", e);
        }
    }
}
