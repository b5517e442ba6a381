package dev.millrace.gateway.http;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says once of each field that it is passed over, for the first hundred fields. Serves any number of threads. */
final class PassedOverFields implements Consumer<String> {

    private static final Logger LOG = LoggerFactory.getLogger(PassedOverFields.class);
    private static final int MOST = 100;

    private final Set<String> seen = ConcurrentHashMap.newKeySet();

    @Override
    public void accept(String field) {
        if (seen.size() < MOST && seen.add(field)) {
            String shown = field.substring(0, Math.min(80, field.length())).replaceAll("\\p{Cntrl}", "?");
            LOG.warn("The following fields were present in the request but ignored: {{}}; this is said once.", shown);
        }
    }
}
