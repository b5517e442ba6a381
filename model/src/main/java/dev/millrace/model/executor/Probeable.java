package dev.millrace.model.executor;

/** An executor whose steps can be looked into. */
public interface Probeable {

    /** Shows the probe all steps that are launched from now on, which makes them slow; null: no longer. */
    void probe(Probe probe);
}
