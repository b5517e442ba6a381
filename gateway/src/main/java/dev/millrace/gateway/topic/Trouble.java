package dev.millrace.gateway.topic;

import org.slf4j.Logger;

/** Something that may fail for hours and is tried on: the log hears once that it does, and once that it works again. */
public final class Trouble {

    private final Logger log;
    private final String what;
    private boolean lasts;

    /** @param what is at stake, as in "Token events are read" */
    public Trouble(Logger log, String what) {
        this.log = log;
        this.what = what;
    }

    /** It failed. */
    public synchronized void is(Throwable failure) {
        if (!lasts) {
            lasts = true;
            log.warn("{} no longer: {}", what, failure.getMessage());
        }
        log.debug("{} no longer", what, failure);
    }

    /** It works. */
    public synchronized void isOver() {
        if (lasts) {
            lasts = false;
            log.info("{} again", what);
        }
    }
}
