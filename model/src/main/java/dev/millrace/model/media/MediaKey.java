package dev.millrace.model.media;

/** 128 bits of a cryptographic hash that stand for one media item. */
public record MediaKey(long high, long low) {}
