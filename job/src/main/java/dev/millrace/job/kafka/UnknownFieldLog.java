package dev.millrace.job.kafka;

import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says once of each field that it is passed over, for the first hundred fields. */
final class UnknownFieldLog implements Consumer<String> {

    private static final Logger LOG = LoggerFactory.getLogger(UnknownFieldLog.class);
    private static final int MOST = 100;

    private final Set<String> seen = new HashSet<>();

    @Override
    public void accept(String field) {
        if (seen.size() < MOST && seen.add(field)) {
            LOG.warn("The field {} of a prompt is not known and passed over; this is said once.", shown(field));
        }
    }

    private static String shown(String field) {
        return field.substring(0, Math.min(80, field.length())).replaceAll("\\p{Cntrl}", "?");
    }
}
