package dev.millrace.job.embedded;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A folder that one owner has until it closes this or its process ends, however it ends. The lock is on a file in the
 * folder that says which process that is.
 */
public final class FolderLock implements AutoCloseable {

    static final String FILE = ".lock";

    private static final int LONGEST_NUMBER = 20;

    private final Path folder;
    private final FileChannel file;

    private FolderLock(Path folder, FileChannel file) {
        this.folder = folder;
        this.file = file;
    }

    /**
     * Takes the folder, which is made if missing.
     *
     * @throws IOException if another process, or another part of this one, has it
     */
    public static FolderLock claim(Path dir) throws IOException {
        Path folder = dir.toAbsolutePath();
        Files.createDirectories(folder);
        FileChannel file = FileChannel.open(
                folder.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            if (file.tryLock() == null) {
                throw new IOException("the folder " + folder + " is used by another process" + named(file)
                        + "; give another one, or stop that");
            }
            file.truncate(0);
            file.write(
                    ByteBuffer.wrap(Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)));
            return new FolderLock(folder, file);
        } catch (OverlappingFileLockException e) {
            file.close();
            throw new IOException("the folder " + folder + " is used by this process already; give another one", e);
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    /** Its absolute path. */
    public Path folder() {
        return folder;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    /** The holder as it wrote itself down, unless it was stopped before that. */
    private static String named(FileChannel file) throws IOException {
        ByteBuffer number = ByteBuffer.allocate(LONGEST_NUMBER);
        file.read(number, 0);
        String pid = new String(number.array(), 0, number.position(), StandardCharsets.US_ASCII);
        return pid.isEmpty() ? "" : ", " + pid;
    }
}
