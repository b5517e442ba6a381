package dev.millrace.operators;

import java.time.Instant;

/**
 * Gives up requests: what was made no later than {@code at}.
 *
 * @param target what the name names
 * @param name a request's id or a reader
 * @param at when it was given up
 * @param expiresAt from when on no such request can come any more
 */
public record Cancel(Target target, String name, Instant at, Instant expiresAt) {

    /** What is given up. */
    public enum Target {
        /** The request of an id. */
        REQUEST,
        /** All that a reader asked for. */
        READER
    }
}
