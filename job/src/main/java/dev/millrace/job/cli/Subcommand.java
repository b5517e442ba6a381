package dev.millrace.job.cli;

/** A picocli command of another module, found by {@link java.util.ServiceLoader}. */
public interface Subcommand {}
