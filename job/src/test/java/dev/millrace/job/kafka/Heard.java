package dev.millrace.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.gateway.GenerationListener;
import dev.millrace.schemas.EventError;
import dev.millrace.schemas.TokenEvent;
import dev.millrace.schemas.Usage;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** What a listener heard of one request, in order. */
public final class Heard implements GenerationListener {

    private final BlockingQueue<Object> words = new LinkedBlockingQueue<>();

    /** The answer came out otherwise. */
    public record Diverged(int choice, EventError error) {}

    /** All answers ended. */
    public record End(Usage usage) {}

    @Override
    public void onEvent(TokenEvent event) {
        words.add(event);
    }

    @Override
    public void onDiverged(int choice, EventError error) {
        words.add(new Diverged(choice, error));
    }

    @Override
    public void onEnd(Usage usage) {
        words.add(new End(usage));
    }

    @Override
    public void onFailure(Throwable cause) {
        words.add(cause);
    }

    /** The next word, which is of this kind. */
    public <T> T next(Class<T> kind) throws InterruptedException {
        Object word = words.poll(5, TimeUnit.MINUTES);
        assertThat(word).isInstanceOf(kind);
        return kind.cast(word);
    }

    /** The tokens from here to the end. */
    public List<Integer> tokensToTheEnd() throws InterruptedException {
        List<Integer> tokens = new ArrayList<>();
        while (true) {
            Object word = words.poll(5, TimeUnit.MINUTES);
            if (word instanceof End) {
                return tokens;
            }
            assertThat(word).isInstanceOf(TokenEvent.class);
            tokens.addAll(((TokenEvent) word).getTokenIds());
        }
    }

    public void assertNothingMore() {
        assertThat(words).isEmpty();
    }
}
