package dev.millrace.job.kafka;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** Waits for the cluster's answers. */
final class Answers {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final long BETWEEN_TRIES = TimeUnit.MILLISECONDS.toNanos(50);

    private Answers() {}

    /**
     * @param what what was asked, for errors: "list the topics"
     * @throws ApiException what the cluster refused with
     * @throws KafkaException if it does not answer
     */
    static <T> T await(KafkaFuture<T> answer, String what) {
        try {
            return answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof ApiException refused) {
                throw refused;
            }
            throw new KafkaException("could not " + what, e.getCause());
        } catch (TimeoutException e) {
            throw new KafkaException(
                    "could not " + what + ": no answer from Kafka within " + PATIENCE.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            throw new InterruptException(e);
        }
    }

    /** Asks again while a broker has not heard of the topic yet. */
    static <T> T awaitKnown(Supplier<KafkaFuture<T>> question, String what) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                return await(question.get(), what);
            } catch (UnknownTopicOrPartitionException e) {
                if (System.nanoTime() > end) {
                    throw e;
                }
                LockSupport.parkNanos(BETWEEN_TRIES);
            }
        }
    }
}
