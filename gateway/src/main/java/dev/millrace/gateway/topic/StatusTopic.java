package dev.millrace.gateway.topic;

import dev.millrace.schemas.EngineStatus;
import dev.millrace.schemas.RecordCodec;
import dev.millrace.schemas.avro.SingleObjectCodec;

/** What is written to the status topic: how each subtask of the job is, once a second, whatever the form of other records. */
public final class StatusTopic {

    private StatusTopic() {}

    /** The status topic of a token topic. */
    public static String of(String tokenTopic) {
        return tokenTopic + ".status";
    }

    public static RecordCodec<EngineStatus> codec() {
        return new SingleObjectCodec<>(EngineStatus.class);
    }
}
