package dev.millrace.bench.serve;

import java.io.IOException;
import java.util.List;

/** Where requests come from. */
interface Dataset {

    /**
     * Makes requests.
     *
     * @param idPrefix their ids are this and a number from nought on
     * @return as many as were asked for, unless it may not repeat what it has
     */
    List<LoadRequest> requests(int count, String idPrefix) throws IOException;
}
