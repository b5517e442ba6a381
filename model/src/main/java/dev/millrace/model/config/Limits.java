package dev.millrace.model.config;

/** Sizes beyond any model of this family: a configuration that exceeds them is broken, and nothing is allocated for it. */
final class Limits {

    static final int MAX_WIDTH = 1 << 20;
    static final int MAX_VOCABULARY = 1 << 24;
    static final int MAX_LAYERS = 1 << 10;

    private Limits() {}
}
