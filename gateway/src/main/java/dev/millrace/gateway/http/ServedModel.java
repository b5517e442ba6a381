package dev.millrace.gateway.http;

import dev.millrace.gateway.Generations;
import dev.millrace.gateway.ServerStatus;
import dev.millrace.schemas.EngineStatus;
import java.util.List;

/** What is known of the model that is served: by the operator's word, else by the job's. Serves any number of threads. */
record ServedModel(List<String> configuredNames, Generations generations) {

    /** The first one is its own; empty while none is known. */
    List<String> names() {
        return configuredNames.isEmpty() ? generations.status().modelNames() : configuredNames;
    }

    /** Most tokens of a prompt and its answer; null while it is not known. */
    Integer maxModelLen() {
        EngineStatus latest = latest();
        return latest == null ? null : latest.getMaxModelLen();
    }

    /** Folder of its checkpoint; null while it is not known. */
    String path() {
        EngineStatus latest = latest();
        return latest == null ? null : latest.getModelPath();
    }

    private EngineStatus latest() {
        ServerStatus status = generations.status();
        return status.latest();
    }
}
