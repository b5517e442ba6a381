package dev.millrace.gateway;

/** A request that was submitted. */
public interface Generation {

    String requestId();

    /**
     * Has the job give it up; its listener hears nothing more. Does nothing if it has ended or was cancelled before. An event
     * that is being handed to the listener meanwhile may still reach it.
     */
    void cancel();
}
