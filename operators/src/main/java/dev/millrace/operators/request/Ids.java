package dev.millrace.operators.request;

import java.util.Collection;

/** Token ids as arrays. */
final class Ids {

    private Ids() {}

    static int[] toArray(Collection<Integer> ids) {
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }
}
