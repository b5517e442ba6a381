package dev.millrace.operators.engine;

import static dev.millrace.operators.engine.EngineFixture.BLOCK_SIZE;
import static dev.millrace.operators.engine.EngineFixture.MANY_BLOCKS;
import static dev.millrace.operators.engine.EngineFixture.MEDIA_ROWS;
import static dev.millrace.operators.engine.EngineFixture.answer;
import static dev.millrace.operators.engine.EngineFixture.config;
import static dev.millrace.operators.engine.EngineFixture.endless;
import static dev.millrace.operators.engine.EngineFixture.fixture;
import static dev.millrace.operators.engine.EngineFixture.illustrated;
import static dev.millrace.operators.engine.EngineFixture.picture;
import static dev.millrace.operators.engine.EngineFixture.prompt;
import static dev.millrace.operators.engine.EngineFixture.sequence;
import static dev.millrace.operators.engine.EngineFixture.text;
import static dev.millrace.operators.engine.EngineFixture.tokensPerStep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.model.prompt.PreparedPrompt;
import dev.millrace.model.prompt.PreparedPrompt.MediaSpan;
import dev.millrace.operators.scheduler.Scheduling.Policy;
import dev.millrace.operators.sequence.Sequence;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** When media are encoded, kept and shared, and who waits for them. */
class InferenceEngineMediaTest {

    @Test
    void anotherPictureSharesNoBlockAfterIt() {
        EngineFixture fixture = fixture(200);
        answer(fixture, illustrated(20, picture(1, 4, 5), 35), endless(5));
        Sequence other = sequence(2, illustrated(20, picture(2, 4, 5), 35), endless(5));
        fixture.engine.add(other);
        fixture.runToEnd();
        assertThat(other.cachedTokens()).isEqualTo(BLOCK_SIZE);
    }

    @Test
    void aPictureThatACachedPrefixCoversIsNotEncodedAgain() {
        EngineFixture fixture = new EngineFixture(config(200, 8, Policy.FCFS, 2), MANY_BLOCKS, 20);
        answer(fixture, illustrated(10, picture(1, 4, 5), 35), endless(5));
        answer(fixture, illustrated(3, picture(2, 4, 5), 35), endless(5)); // takes all rows of the media buffer
        int before = fixture.executor.encoderBatches().size();
        Sequence again = sequence(2, illustrated(10, picture(1, 4, 5), 35), endless(5));
        fixture.engine.add(again);
        fixture.runToEnd();
        assertThat(again.cachedTokens()).isEqualTo(64);
        assertThat(fixture.executor.encoderBatches()).hasSize(before);
    }

    @Test
    void aPictureInTheEncoderCacheIsNotEncodedAgain() {
        EngineFixture fixture = fixture(200);
        answer(fixture, illustrated(10, picture(1, 4, 5), 5), endless(5));
        answer(fixture, illustrated(11, picture(1, 4, 5), 5), endless(5));
        assertThat(fixture.executor.encoderBatches()).singleElement().satisfies(batch -> assertThat(batch.media())
                .hasSize(1));
        assertThat(fixture.engine.stats().mmCacheQueries()).isEqualTo(2);
        assertThat(fixture.engine.stats().mmCacheHits()).isEqualTo(1);
    }

    @Test
    void aChunkIsCutBeforeAPictureThatFindsNoRoom() {
        EngineFixture fixture = new EngineFixture(config(100, 8, Policy.FCFS, 2), MANY_BLOCKS, 20);
        int[] tokens = IntStream.range(0, 5 + 20 + 4 + 20 + 6)
                .map(i -> i >= 5 && i < 25 || i >= 29 && i < 49 ? EngineFixture.PICTURE : i)
                .toArray();
        PreparedPrompt prompt = prompt(tokens, new MediaSpan(5, picture(1, 4, 5)), new MediaSpan(29, picture(2, 4, 5)));
        answer(fixture, prompt, endless(2));
        assertThat(tokensPerStep(fixture)).containsExactly(29, 26, 1);
    }

    @Test
    void aPictureBeyondTheBudgetIsEncodedAlone() {
        EngineFixture fixture = fixture(16);
        Sequence first = sequence(1, illustrated(3, picture(1, 4, 5), 5), endless(2));
        Sequence second = sequence(2, illustrated(3, picture(2, 2, 2), 5), endless(2));
        fixture.engine.add(first);
        fixture.engine.add(second);
        fixture.runToEnd();
        assertThat(fixture.executor.encoderBatches()).hasSize(2).allSatisfy(batch -> assertThat(batch.media())
                .hasSize(1));
        assertThat(fixture.answers.isFinished(second)).isTrue();
    }

    @Test
    void othersGoOnAndComeInWhileAPictureIsEncoded() {
        PreparedPrompt prompt = illustrated(10, picture(1, 4, 5), 30);
        EngineFixture fixture = fixture(200);
        Sequence early = sequence(1, text(20, 1), endless(40));
        Sequence viewer = sequence(2, prompt, endless(5));
        Sequence late = sequence(3, text(20, 2), endless(10));
        List.of(early, viewer, late).forEach(fixture.engine::add);
        while (!fixture.answers.isFinished(early)) {
            fixture.engine.launchSteps();
            fixture.completeOldest();
            fixture.engine.checkIntegrity();
        }
        assertThat(fixture.answers.isFinished(late)).isTrue();
        assertThat(fixture.engine.stats().numRequestsWaiting()).isOne();
        fixture.runToEnd();
        assertThat(fixture.answers.of(viewer).text.toString()).isEqualTo(answer(fixture(200), prompt, endless(5)));
    }

    @Test
    void nobodyTakesTheBlocksThatAreFreeForTheOneWhosePictureIsEncoded() {
        EngineFixture fixture = new EngineFixture(config(200, 8, Policy.FCFS, 2), 17, MEDIA_ROWS);
        Sequence viewer = sequence(1, illustrated(10, picture(1, 4, 5), 80), endless(5)); // 7 blocks of 16
        Sequence large = sequence(2, text(10 * BLOCK_SIZE, 1), endless(5));
        fixture.engine.add(viewer);
        fixture.engine.add(large);
        assertThat(fixture.engine.launchSteps()).isFalse();
        fixture.runToEnd();
        assertThat(fixture.executor.batches().get(0).numTokens()).isEqualTo(110);
        assertThat(fixture.answers.isFinished(large)).isTrue();
    }

    @Test
    void anAbortLeavesRowsToTheEncodingInFlight() {
        EngineFixture fixture = new EngineFixture(config(100, 8, Policy.FCFS, 2), MANY_BLOCKS, 20);
        fixture.engine.add(sequence(1, illustrated(3, picture(1, 4, 5), 5), endless(2)));
        fixture.engine.launchSteps();
        assertThat(fixture.engine.tryAbort("r1")).isTrue();
        fixture.engine.add(sequence(2, illustrated(3, picture(2, 4, 5), 5), endless(2)));
        fixture.engine.launchSteps();
        fixture.engine.checkIntegrity();
        assertThat(fixture.executor.encoderBatches()).hasSize(1);
        fixture.runToEnd();
        assertThat(fixture.executor.encoderBatches()).hasSize(2);
    }

    @Test
    void aSmallPictureDoesNotTakeTheRoomThatALargeOneBeforeItWaitsFor() {
        EngineFixture fixture = new EngineFixture(config(16, 8, Policy.FCFS, 2), MANY_BLOCKS, 24);
        int[] tokens = IntStream.range(0, 3 + 20 + 1 + 20 + 2)
                .map(i -> i >= 3 && i < 23 || i >= 24 && i < 44 ? EngineFixture.PICTURE : i)
                .toArray();
        PreparedPrompt two = prompt(tokens, new MediaSpan(3, picture(1, 4, 5)), new MediaSpan(24, picture(2, 4, 5)));
        Sequence small = sequence(2, illustrated(3, picture(3, 2, 2), 5), endless(2));
        fixture.engine.add(sequence(1, two, endless(2)));
        fixture.engine.add(small);
        fixture.engine.launchSteps();
        fixture.executor.encodeOldest();
        fixture.engine.launchSteps();
        assertThat(fixture.executor.encoderBatches()).hasSize(1);
        fixture.runToEnd();
        assertThat(fixture.answers.isFinished(small)).isTrue();
    }

    @Test
    void picturesThatComeTogetherAreEncodedTogether() {
        EngineFixture fixture = fixture(64);
        IntStream.range(0, 3)
                .forEach(i -> fixture.engine.add(sequence(i, illustrated(3, picture(i, 4, 5), 5), endless(2))));
        fixture.engine.launchSteps();
        assertThat(fixture.executor.encoderBatches().get(0).media()).hasSize(3);
    }

    @Test
    void aLaterPictureIsEncodedWhileTheTextBeforeItIsComputed() {
        EngineFixture fixture = fixture(16);
        fixture.engine.add(sequence(1, illustrated(24, picture(1, 4, 5), 5), endless(2)));
        fixture.engine.launchSteps();
        assertThat(fixture.executor.encoderBatches()).hasSize(1);
        assertThat(tokensPerStep(fixture)).containsExactly(16, 8);
    }
}
