package dev.millrace.gateway.topic;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.helpers.MessageFormatter;

class TroubleTest {

    private final List<String> log = new ArrayList<>();

    @Test
    void whatFailsForHoursIsSaidOnceAndItsEndOnce() {
        var trouble = new Trouble(logger(), "Tokens are read");
        trouble.isOver();
        assertThat(log).isEmpty();
        for (int night = 0; night < 2; night++) {
            for (int i = 0; i < 100; i++) {
                trouble.is(new IllegalStateException("the broker is away"));
            }
            trouble.isOver();
            trouble.isOver();
        }
        assertThat(log)
                .containsExactly(
                        "warn Tokens are read no longer: the broker is away",
                        "info Tokens are read again",
                        "warn Tokens are read no longer: the broker is away",
                        "info Tokens are read again");
    }

    /** Keeps what is written above the level of debugging. */
    private Logger logger() {
        return (Logger) Proxy.newProxyInstance(
                Logger.class.getClassLoader(), new Class<?>[] {Logger.class}, (proxy, method, args) -> {
                    if (!method.getName().equals("debug")) {
                        Object[] values = new Object[args.length - 1];
                        System.arraycopy(args, 1, values, 0, values.length);
                        log.add(method.getName() + " "
                                + MessageFormatter.arrayFormat((String) args[0], values)
                                        .getMessage());
                    }
                    return null;
                });
    }
}
