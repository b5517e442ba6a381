package dev.millrace.operators.sequence;

/**
 * When a sequence came how far, in nanoseconds of the engine's clock, 0 for what has not happened; and how much of it was
 * there at first. Beams share that of their answer.
 */
public final class Timeline {

    private static final int NEVER_ADMITTED = -1;

    private long added;
    private long firstScheduled;
    private long firstToken;
    private long lastToken;
    private int cachedTokens = NEVER_ADMITTED;

    /** When the engine took it in. */
    public long added() {
        return added;
    }

    /** When a step with its first tokens was launched. */
    public long firstScheduled() {
        return firstScheduled;
    }

    /** When its first token was handled. */
    public long firstToken() {
        return firstToken;
    }

    /** When its latest token was handled. */
    public long lastToken() {
        return lastToken;
    }

    public void markAdded(long nanos) {
        if (added == 0) {
            added = nanos;
        }
    }

    public void markScheduled(long nanos) {
        if (firstScheduled == 0) {
            firstScheduled = nanos;
        }
    }

    /** Tokens that were in the prefix cache when it was first admitted. */
    int cachedTokens() {
        return Math.max(0, cachedTokens);
    }

    /** Notes what was cached when it was first admitted; false if it was admitted before. */
    public boolean tryMarkAdmitted(int cached) {
        boolean first = cachedTokens == NEVER_ADMITTED;
        cachedTokens = first ? cached : cachedTokens;
        return first;
    }

    /** Takes over what another saw, but for when that was taken in. */
    public void follow(Timeline other) {
        firstScheduled = other.firstScheduled;
        firstToken = other.firstToken;
        lastToken = other.lastToken;
    }

    public void markToken(long nanos) {
        if (firstToken == 0) {
            firstToken = nanos;
        }
        lastToken = nanos;
    }
}
