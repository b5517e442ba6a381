package dev.millrace.gpu.device;

import static jcuda.driver.CUevent_flags.CU_EVENT_DEFAULT;
import static jcuda.driver.CUevent_flags.CU_EVENT_DISABLE_TIMING;

import jcuda.driver.CUevent;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;

/** A mark in a stream's work: others wait for it, ask whether it was passed, or measure from one to the next. */
public final class Event implements AutoCloseable {
    private final CUevent event = new CUevent();
    private final float[] milliseconds = new float[1];
    private final Resources owner;

    Event(boolean timing, Resources owner) {
        this.owner = owner;
        int flags = timing ? CU_EVENT_DEFAULT : CU_EVENT_DISABLE_TIMING;
        Status.check(JCudaDriver.cuEventCreate(event, flags), "cuEventCreate", "create an event");
        owner.add(
                this,
                timing ? "a timing event" : "an event",
                () -> Status.check(JCudaDriver.cuEventDestroy(event), "cuEventDestroy", "destroy an event"));
    }

    CUevent handle() {
        return event;
    }

    /** Blocks until the work before the mark is done; returns at once for an event that was never recorded. */
    public void synchronize() {
        Status.check(JCudaDriver.cuEventSynchronize(event), "cuEventSynchronize", "wait for an event");
    }

    public boolean isDone() {
        int code = JCudaDriver.cuEventQuery(event);
        if (code == CUresult.CUDA_ERROR_NOT_READY) {
            return false;
        }
        Status.check(code, "cuEventQuery", "ask whether an event was reached");
        return true;
    }

    /** The time between two timing events that were both reached, with a resolution of about half a microsecond. */
    public float millisSince(Event start) {
        Status.check(
                JCudaDriver.cuEventElapsedTime(milliseconds, start.event, event),
                "cuEventElapsedTime",
                "measure between two timing events, both recorded and reached");
        return milliseconds[0];
    }

    @Override
    public void close() {
        owner.close(this);
    }
}
