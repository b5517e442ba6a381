package dev.millrace.operators.engine;

import dev.millrace.model.executor.ExecutorConfig;
import dev.millrace.model.executor.ExecutorListener;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.operators.engine.Answers.Answer;
import dev.millrace.operators.sequence.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.IntUnaryOperator;

/**
 * Has the demonstration model answer requests, on an engine that is given up with what it has in flight after so many steps
 * for a new one, which goes on from what was heard, as after a crash; and so on until all are answered.
 */
final class RestartedRun implements ExecutorListener {

    /** No engine is given up. */
    static final IntUnaryOperator NEVER = engine -> Integer.MAX_VALUE;

    private final DemoModel model;
    private final EngineConfig config;
    private final ExecutorConfig.Speculation drafts;
    private final int numBlocks;
    private final IntUnaryOperator stepsToRestart;
    private final LinkedBlockingQueue<Object> completions = new LinkedBlockingQueue<>();
    private Figures figures = Figures.NONE;

    /**
     * @param draftModel folder of the draft model; empty for none
     * @param stepsToRestart steps of each engine, which are numbered from 0
     */
    RestartedRun(
            DemoModel model, EngineConfig config, String draftModel, int numBlocks, IntUnaryOperator stepsToRestart) {
        this.model = model;
        this.config = config;
        this.drafts = new ExecutorConfig.Speculation(
                draftModel, config.scheduling().speculation().numSpeculativeTokens());
        this.numBlocks = numBlocks;
        this.stepsToRestart = stepsToRestart;
    }

    Figures figures() {
        return figures;
    }

    /** The answers to each request. */
    List<List<Answer>> answer(List<Request> requests) throws InterruptedException {
        List<List<Sequence>> sequences =
                requests.stream().map(Request::sequences).toList();
        Answers heard = new Answers();
        go(requests, sequences, heard);
        while (!sequences.stream().flatMap(List::stream).allMatch(heard::isFinished)) {
            figures = figures.plusRestart();
            Answers next = new Answers();
            List<List<Sequence>> restored = new ArrayList<>();
            for (int i = 0; i < requests.size(); i++) {
                restored.add(restored(requests.get(i), sequences.get(i), heard, next));
            }
            sequences = restored;
            heard = next;
            go(requests, sequences, heard);
        }
        Answers all = heard;
        return sequences.stream()
                .map(choices -> choices.stream().map(all::of).toList())
                .toList();
    }

    private static List<Sequence> restored(Request request, List<Sequence> choices, Answers heard, Answers next) {
        return choices.stream()
                .map(sequence -> {
                    Sequence again = next.restored(sequence, heard);
                    if (!next.isFinished(again)) {
                        again.bind(request.grammar());
                    }
                    return again;
                })
                .toList();
    }

    private void go(List<Request> requests, List<List<Sequence>> sequences, Answers heard) throws InterruptedException {
        try (ModelExecutor executor = DemoModel.executor(numBlocks, config.limits(), drafts);
                InferenceEngine engine = new InferenceEngine(config, executor, model.tokenizer, this, heard)) {
            sequences.stream()
                    .flatMap(List::stream)
                    .filter(sequence -> !heard.isFinished(sequence))
                    .forEach(engine::add);
            drain(engine, stepsToRestart.applyAsInt((int) figures.restarts()));
            figures = figures.plus(engine.stats());
        }
        completions.clear();
        for (int i = 0; i < requests.size(); i++) {
            Request request = requests.get(i);
            figures = figures.plusAnswersFound(sequences.get(i).stream()
                    .filter(request::foundEarlierAnswer)
                    .count());
        }
    }

    private void drain(InferenceEngine engine, int mostSteps) throws InterruptedException {
        engine.launchSteps();
        for (int i = 0; i < mostSteps && !engine.isIdle(); i++) {
            Object completion = completions.poll(1, TimeUnit.MINUTES);
            if (completion == null) {
                throw new IllegalStateException("sequences wait, but nothing is in flight: " + engine.stats());
            } else if (completion instanceof StepOutput output) {
                engine.complete(output);
            } else if (completion instanceof Long encoding) {
                engine.encoded(encoding);
            } else {
                throw new IllegalStateException("a step or an encoding failed", (Throwable) completion);
            }
            engine.launchSteps();
        }
        engine.checkIntegrity();
    }

    @Override
    public void completed(StepOutput output) {
        completions.add(output);
    }

    @Override
    public void failed(long step, Throwable cause) {
        completions.add(cause);
    }

    @Override
    public void encoded(long encoding) {
        completions.add(encoding);
    }

    @Override
    public void encodingFailed(long encoding, Throwable cause) {
        completions.add(cause);
    }
}
