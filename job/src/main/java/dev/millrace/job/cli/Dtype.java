package dev.millrace.job.cli;

/** How weights are held. */
enum Dtype {
    auto,
    bfloat16,
    float32
}
