package dev.millrace.gpu.device;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * The sole use of a group of GPUs, among all subtasks of all processes of this machine: a lock on a file for each GPU,
 * named by its UUID, which the operating system releases when the process ends, however it ends.
 */
public final class GpuClaim implements AutoCloseable {
    private static final int LONGEST_HOLDER = 200;

    private final List<Integer> ordinals;
    private final List<FileChannel> files;

    private GpuClaim(List<Integer> ordinals, List<FileChannel> files) {
        this.ordinals = ordinals;
        this.files = files;
    }

    /**
     * Claims the first group of which no GPU is claimed.
     *
     * @param holder who claims, for the message that another one gets
     * @throws GpuUnavailableException where every group is taken, with who holds it
     */
    public static GpuClaim first(GpuSelection selection, String holder) {
        return first(selection, Device::uuid, Natives.temporaryFolder(), holder);
    }

    static GpuClaim first(GpuSelection selection, IntFunction<String> uuids, Path folder, String holder) {
        List<String> holders = new ArrayList<>();
        for (List<Integer> group : selection.groups()) {
            List<FileChannel> files = new ArrayList<>();
            boolean complete = false;
            try {
                complete = claim(group, uuids, folder, holder, files, holders);
            } finally {
                if (!complete) {
                    closeAll(files);
                }
            }
            if (complete) {
                return new GpuClaim(group, files);
            }
        }
        throw new GpuUnavailableException(
                "no free GPUs for %s: %s; give more GPUs (--gpu-ids), or lower the parallelism to one subtask for each group of --tensor-parallel-size GPUs"
                        .formatted(holder, String.join(", ", holders)));
    }

    private static boolean claim(
            List<Integer> group,
            IntFunction<String> uuids,
            Path folder,
            String holder,
            List<FileChannel> files,
            List<String> holders) {
        for (int ordinal : group) {
            Path path = folder.resolve("millrace-" + uuids.apply(ordinal) + ".lock");
            try {
                FileChannel file = open(path);
                files.add(file);
                if (!lock(file)) {
                    holders.add("GPU %d is held by %s".formatted(ordinal, readHolder(file)));
                    return false;
                }
                writeHolder(
                        file,
                        "%s of process %d"
                                .formatted(holder, ProcessHandle.current().pid()));
            } catch (IOException e) {
                throw new UncheckedIOException(
                        "GPU %d could not be claimed with the file %s".formatted(ordinal, path), e);
            }
        }
        return true;
    }

    /** Any user may lock the file; where the folder protects others' files, it may be opened but not made. */
    private static FileChannel open(Path path) throws IOException {
        if (Files.exists(path)) {
            return FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
        }
        FileChannel file =
                FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw-rw-"));
        return file;
    }

    private static boolean lock(FileChannel file) throws IOException {
        try {
            return Optional.<FileLock>ofNullable(file.tryLock()).isPresent();
        } catch (OverlappingFileLockException heldByThisProcess) {
            return false;
        }
    }

    private static String readHolder(FileChannel file) throws IOException {
        ByteBuffer text = ByteBuffer.allocate(LONGEST_HOLDER);
        file.read(text, 0);
        return new String(text.array(), 0, text.position(), StandardCharsets.UTF_8);
    }

    private static void writeHolder(FileChannel file, String holder) throws IOException {
        file.truncate(0);
        file.write(ByteBuffer.wrap(holder.getBytes(StandardCharsets.UTF_8)), 0);
    }

    private static void closeAll(List<FileChannel> files) {
        for (FileChannel file : files) {
            try {
                file.close();
            } catch (IOException e) {
                throw new UncheckedIOException("the claim of a GPU could not be released", e);
            }
        }
    }

    /** The GPUs of the group, in the order of its ranks. */
    public List<Integer> ordinals() {
        return ordinals;
    }

    /** Lets others claim the GPUs; the files stay, since one that is deleted could be locked twice. */
    @Override
    public void close() {
        closeAll(files);
    }
}
