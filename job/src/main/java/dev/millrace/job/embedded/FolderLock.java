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

    /** Somebody else has the folder. */
    public static final class TakenException extends IOException {

        private static final long serialVersionUID = 1;

        private final String owner;

        private TakenException(Path folder, String owner, Throwable cause) {
            super("the folder " + folder + " is used by " + owner + "; give another one", cause);
            this.owner = owner;
        }

        /** Who has it, in words. */
        public String owner() {
            return owner;
        }
    }

    private final Path folder;
    private final FileChannel file;

    private FolderLock(Path folder, FileChannel file) {
        this.folder = folder;
        this.file = file;
    }

    /**
     * Takes the folder, which is made if missing.
     *
     * @throws TakenException if another process, or another part of this one, has it
     */
    public static FolderLock claim(Path dir) throws IOException {
        Path folder = dir.toAbsolutePath();
        Files.createDirectories(folder);
        FileChannel file = FileChannel.open(
                folder.resolve(FILE), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            if (file.tryLock() == null) {
                throw new TakenException(folder, "another process" + number(file), null);
            }
            file.truncate(0);
            file.write(
                    ByteBuffer.wrap(Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)));
            return new FolderLock(folder, file);
        } catch (OverlappingFileLockException e) {
            file.close();
            throw new TakenException(folder, "this process already", e);
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
    private static String number(FileChannel file) throws IOException {
        ByteBuffer number = ByteBuffer.allocate(LONGEST_NUMBER);
        file.read(number, 0);
        String pid = new String(number.array(), 0, number.position(), StandardCharsets.US_ASCII);
        return pid.isEmpty() ? "" : " (" + pid + ")";
    }
}
