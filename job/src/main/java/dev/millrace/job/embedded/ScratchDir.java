package dev.millrace.job.embedded;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;

/** A folder for what need not outlive the process, emptied when it is claimed: a process that was killed leaves it full. */
final class ScratchDir implements AutoCloseable {

    private final FolderLock lock;

    private ScratchDir(FolderLock lock) {
        this.lock = lock;
    }

    /** @throws IOException if another process, or another part of this one, uses it */
    static ScratchDir claim(Path dir) throws IOException {
        FolderLock lock = FolderLock.claim(dir);
        try {
            sweep(lock.folder());
        } catch (IOException e) {
            lock.close();
            throw e;
        }
        return new ScratchDir(lock);
    }

    Path path() {
        return lock.folder();
    }

    /** Empties the folder and lets others have it. */
    @Override
    public void close() throws IOException {
        try {
            sweep(lock.folder());
        } finally {
            lock.close();
        }
    }

    private static void sweep(Path root) throws IOException {
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                if (!file.equals(root.resolve(FolderLock.FILE))) {
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
