package dev.millrace.model.executor;

/** Hears how an encoding went, on a thread of the executor; must return quickly. */
public interface EncodingListener {

    /** Steps launched from now on may read the rows. */
    void encoded(long encoding);

    void encodingFailed(long encoding, Throwable cause);
}
