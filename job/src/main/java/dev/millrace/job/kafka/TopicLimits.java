package dev.millrace.job.kafka;

/**
 * What the topics and their broker allow.
 *
 * @param promptBytes most bytes of a prompt's record
 * @param tokenBytes most bytes of a token event's record
 * @param deadLetterBytes most bytes of an unreadable record that is kept; 0 without such a topic
 * @param promptCleanup cleanup policy of the prompt topic
 * @param transactionTimeoutMs longest transaction, in milliseconds
 */
public record TopicLimits(
        int promptBytes, int tokenBytes, int deadLetterBytes, String promptCleanup, int transactionTimeoutMs) {

    /** Room for a token event with the log-probabilities of twenty candidates and the request's headers. */
    private static final int LARGEST_TOKEN_EVENT = 512 << 10;

    void check(KafkaConfig config) {
        if (tokenBytes < LARGEST_TOKEN_EVENT) {
            throw new IllegalArgumentException("the token topic " + config.tokenTopic() + " takes records of "
                    + tokenBytes + " bytes; token events need up to " + LARGEST_TOKEN_EVENT
                    + ". Raise its max.message.bytes");
        }
        int deadLetter = promptBytes + DeadLetterSerializer.OVERHEAD;
        if (config.deadLetterTopic() != null && deadLetterBytes < deadLetter) {
            throw new IllegalArgumentException("the dead-letter topic " + config.deadLetterTopic()
                    + " takes records of "
                    + deadLetterBytes + " bytes, the prompt topic " + config.promptTopic() + " of " + promptBytes
                    + ". Raise its max.message.bytes to " + deadLetter);
        }
        if (promptCleanup.contains("compact")) {
            throw new IllegalArgumentException("the prompt topic " + config.promptTopic() + " has the cleanup.policy "
                    + promptCleanup + ", which drops prompts with equal keys before they are read. Set it to delete");
        }
    }
}
