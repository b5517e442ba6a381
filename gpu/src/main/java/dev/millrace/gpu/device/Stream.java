package dev.millrace.gpu.device;

import static jcuda.driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
import static jcuda.driver.CUstream_flags.CU_STREAM_NON_BLOCKING;

import java.nio.ByteBuffer;
import jcuda.Pointer;
import jcuda.driver.CUgraph;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/** A queue of work on the device, done in order. Used by one thread at a time. */
public final class Stream implements AutoCloseable {
    private final CUstream stream = new CUstream();
    private final long address;
    private final Resources owner;

    Stream(Resources owner) {
        this.owner = owner;
        Status.check(JCudaDriver.cuStreamCreate(stream, CU_STREAM_NON_BLOCKING), "cuStreamCreate", "create a stream");
        this.address = Address.of(stream);
        owner.add(
                this,
                "a stream",
                () -> Status.check(JCudaDriver.cuStreamDestroy(stream), "cuStreamDestroy", "destroy a stream"));
    }

    CUstream handle() {
        return stream;
    }

    long address() {
        return address;
    }

    /** Offsets and length in bytes; the pinned bytes may change again once the copy was reached. */
    public void copyToDevice(DeviceBuffer to, long toOffset, PinnedBuffer from, long fromOffset, long bytes) {
        Status.check(
                JCudaDriver.cuMemcpyHtoDAsync(
                        to.pointer(toOffset, bytes), from.pointer(fromOffset, bytes), bytes, stream),
                "cuMemcpyHtoDAsync",
                () -> "copy %d bytes to offset %d of %s".formatted(bytes, toOffset, to));
    }

    /** Offsets and length in bytes; the pinned bytes are there once the copy was reached. */
    public void copyToHost(PinnedBuffer to, long toOffset, DeviceBuffer from, long fromOffset, long bytes) {
        Status.check(
                JCudaDriver.cuMemcpyDtoHAsync(
                        to.pointer(toOffset, bytes), from.pointer(fromOffset, bytes), bytes, stream),
                "cuMemcpyDtoHAsync",
                () -> "copy %d bytes from offset %d of %s".formatted(bytes, fromOffset, from));
    }

    /**
     * Copies to direct memory that is not page-locked, from its start, and waits for that. For what is asked for seldom: taking
     * and freeing page-locked memory can wait for all that any device does.
     */
    public void copyToHost(ByteBuffer to, DeviceBuffer from, long fromOffset, long bytes) {
        if (!to.isDirect() || to.capacity() < bytes) {
            throw new IllegalArgumentException("%d bytes are to be copied to %s".formatted(bytes, to));
        }
        synchronize(); // so that the copy itself has nothing to wait for
        Status.check(
                JCudaDriver.cuMemcpyDtoHAsync(
                        Pointer.to(to.duplicate().rewind()), from.pointer(fromOffset, bytes), bytes, stream),
                "cuMemcpyDtoHAsync",
                () -> "copy %d bytes from offset %d of %s".formatted(bytes, fromOffset, from));
        synchronize();
    }

    /** Copies within the device, or from a peer that it reaches; the two ranges may not overlap. */
    public void copy(DeviceBuffer to, long toOffset, DeviceBuffer from, long fromOffset, long bytes) {
        Status.check(
                JCudaDriver.cuMemcpyDtoDAsync(
                        to.pointer(toOffset, bytes), from.pointer(fromOffset, bytes), bytes, stream),
                "cuMemcpyDtoDAsync",
                () -> "copy %d bytes from offset %d of %s to offset %d of %s"
                        .formatted(bytes, fromOffset, from, toOffset, to));
    }

    /** Sets every byte of the buffer to the value's low 8 bits. */
    public void fill(DeviceBuffer buffer, int byteValue) {
        Status.check(
                JCudaDriver.cuMemsetD8Async(buffer.pointer(), (byte) byteValue, buffer.bytes(), stream),
                "cuMemsetD8Async",
                () -> "fill " + buffer);
    }

    public void record(Event event) {
        Status.check(JCudaDriver.cuEventRecord(event.handle(), stream), "cuEventRecord", "record an event");
    }

    /** Later work of this stream starts once the event's last record was reached. */
    public void waitFor(Event event) {
        Status.check(
                JCudaDriver.cuStreamWaitEvent(stream, event.handle(), 0), "cuStreamWaitEvent", "wait for an event");
    }

    /** Blocks until all work is done; a failure of any of it comes out here. */
    public void synchronize() {
        Status.check(JCudaDriver.cuStreamSynchronize(stream), "cuStreamSynchronize", "wait for a stream's work");
    }

    public boolean isDone() {
        int code = JCudaDriver.cuStreamQuery(stream);
        if (code == CUresult.CUDA_ERROR_NOT_READY) {
            return false;
        }
        Status.check(code, "cuStreamQuery", "ask whether a stream's work is done");
        return true;
    }

    /**
     * From here to {@link #endCapture} what this thread launches on the stream is recorded, not run. In a capture the
     * thread can neither wait nor allocate, pinned memory and {@link Device#newArguments} included.
     */
    public void beginCapture() {
        Status.check(
                JCudaDriver.cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
                "cuStreamBeginCapture",
                "begin to capture a stream's work");
    }

    public Graph endCapture() {
        CUgraph captured = new CUgraph();
        Status.check(JCudaDriver.cuStreamEndCapture(stream, captured), "cuStreamEndCapture", "end a stream's capture");
        return new Graph(captured, owner);
    }

    /** Captures what the work launches on this stream; where the work fails, the capture ends, too. */
    public Graph capture(Runnable work) {
        beginCapture();
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            abandonCapture(e);
            throw e;
        }
        return endCapture();
    }

    /** Ends the capture, which what went wrong may have invalidated. */
    private void abandonCapture(Throwable failure) {
        CUgraph captured = new CUgraph();
        int code = JCudaDriver.cuStreamEndCapture(stream, captured);
        if (code == CUresult.CUDA_SUCCESS) {
            code = JCudaDriver.cuGraphDestroy(captured);
        } else if (code == CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED) {
            code = CUresult.CUDA_SUCCESS;
        }
        if (code != CUresult.CUDA_SUCCESS) {
            failure.addSuppressed(Status.failure(code, "cuStreamEndCapture", "abandon a stream's capture"));
        }
    }

    public void launch(Graph graph) {
        Status.check(JCudaDriver.cuGraphLaunch(graph.handle(), stream), "cuGraphLaunch", "launch a graph");
    }

    /** Destroys the stream; work that was queued is still done. */
    @Override
    public void close() {
        owner.close(this);
    }
}
