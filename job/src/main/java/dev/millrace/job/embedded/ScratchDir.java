package dev.millrace.job.embedded;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;

/** A folder for what need not outlive the process, emptied when it is claimed: a process that was killed leaves it full. */
final class ScratchDir implements AutoCloseable {

    private static final String LOCK = ".lock";

    private final Path path;
    private final FileChannel lockFile;

    private ScratchDir(Path path, FileChannel lockFile) {
        this.path = path;
        this.lockFile = lockFile;
    }

    /** @throws IOException if another process, or another part of this one, uses it */
    static ScratchDir claim(Path dir) throws IOException {
        Path path = dir.toAbsolutePath();
        Files.createDirectories(path);
        FileChannel lockFile =
                FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = lockFile.tryLock();
            if (lock == null) {
                throw new IOException("the folder " + path + " is used by another process; give another one");
            }
            sweep(path);
        } catch (OverlappingFileLockException e) {
            lockFile.close();
            throw new IOException("the folder " + path + " is used by this process already; give another one", e);
        } catch (IOException e) {
            lockFile.close();
            throw e;
        }
        return new ScratchDir(path, lockFile);
    }

    Path path() {
        return path;
    }

    /** Empties the folder and lets others have it. */
    @Override
    public void close() throws IOException {
        try {
            sweep(path);
        } finally {
            lockFile.close();
        }
    }

    private static void sweep(Path root) throws IOException {
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (!file.equals(root.resolve(LOCK))) {
                    Files.deleteIfExists(file);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                if (failure instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw failure;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, IOException failure) throws IOException {
                if (failure != null) {
                    throw failure;
                }
                if (!dir.equals(root)) {
                    Files.deleteIfExists(dir);
                }
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
