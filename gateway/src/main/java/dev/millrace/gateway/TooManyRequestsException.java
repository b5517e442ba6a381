package dev.millrace.gateway;

/** As many of this instance's requests are outstanding as may be; the client may try again later (429). */
public final class TooManyRequestsException extends Exception {

    public TooManyRequestsException(int maxPending) {
        super("this instance has " + maxPending + " requests outstanding, which is the most it takes (--max-pending);"
                + " try again later");
    }
}
