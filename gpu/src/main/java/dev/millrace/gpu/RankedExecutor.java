package dev.millrace.gpu;

import dev.millrace.gpu.device.GpuClaim;
import dev.millrace.gpu.parallel.StopWord;
import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.ModelExecutor;
import dev.millrace.model.executor.Probe;
import dev.millrace.model.executor.Probeable;
import dev.millrace.model.executor.StepListener;
import dev.millrace.model.executor.StepOutput;
import java.util.List;
import java.util.Optional;

/**
 * Computes steps and encodes media on the GPUs that share a model, one or several. Every rank is given every step, in the same order, and draws
 * the same tokens; a step is done when all ranks are, and what the first says of it is passed on.
 */
final class RankedExecutor implements ModelExecutor, Probeable {

    private final GpuClaim claim;
    private final List<GpuExecutor> ranks;
    private final Optional<StopWord> stop;
    private final RankedEncodings encodings;
    private long launched;
    private long told; // steps whose listeners were told, or are about to be
    private long firstFailed = Long.MAX_VALUE;

    /**
     * @param claim on the ranks' GPUs, released when this is closed
     * @param stop of ranks that wait for each other
     */
    RankedExecutor(GpuClaim claim, List<GpuExecutor> ranks, Optional<StopWord> stop) {
        this.claim = claim;
        this.ranks = List.copyOf(ranks);
        this.stop = stop;
        encodings = new RankedEncodings(this.ranks);
    }

    List<GpuExecutor> ranks() {
        return ranks;
    }

    /** @throws IllegalStateException if the ranks stopped waiting for each other */
    void check() {
        stop.ifPresent(StopWord::check);
    }

    @Override
    public int numBlocks() {
        return ranks.stream().mapToInt(ModelExecutor::numBlocks).min().orElseThrow();
    }

    @Override
    public int blockSize() {
        return ranks.get(0).blockSize();
    }

    @Override
    public int mediaRows() {
        return ranks.get(0).mediaRows();
    }

    @Override
    public void launch(ForwardBatch batch, StepListener listener) {
        Outcome outcome = new Outcome(launched++, listener);
        for (GpuExecutor rank : ranks) {
            rank.launch(batch, outcome);
        }
    }

    @Override
    public void encode(EncoderBatch batch, EncodingListener listener) {
        encodings.encode(batch, listener);
    }

    @Override
    public float[] readMedia(int[] rows) {
        encodings.await();
        return ranks.get(0).readMedia(rows);
    }

    @Override
    public void probe(Probe probe) {
        encodings.keepTogether(probe != null);
        ranks.get(0).probe(probe);
    }

    /** No rank's memory is freed while another's kernels could still reach it. */
    @Override
    public void close() {
        encodings.await();
        ranks.forEach(GpuExecutor::drain);
        try (claim) {
            closeAll(ranks);
        }
    }

    /** All of them, even if one cannot be. */
    static void closeAll(List<GpuExecutor> ranks) {
        if (!ranks.isEmpty()) {
            try (GpuExecutor first = ranks.get(0)) {
                closeAll(ranks.subList(1, ranks.size()));
            }
        }
    }

    /** Ends the waiting of ranks for one that failed; steps before that are still done by all. */
    private synchronized void failed(long number) {
        firstFailed = Math.min(firstFailed, number);
        stopBehindTold();
    }

    private synchronized void told() {
        told++;
        stopBehindTold();
    }

    private void stopBehindTold() {
        if (told >= firstFailed) {
            stop.ifPresent(StopWord::stop);
        }
    }

    /** What the ranks say of one step. The last of them to say it tells the listener, so that steps end in their order. */
    private final class Outcome implements StepListener {
        private final long number;
        private final StepListener listener;
        private int missing = ranks.size();
        private StepOutput output; // any rank's: all draw the same
        private Throwable failure; // the first

        Outcome(long number, StepListener listener) {
            this.number = number;
            this.listener = listener;
        }

        @Override
        public void completed(StepOutput own) {
            tell(own.step(), own, null);
        }

        @Override
        public void failed(long step, Throwable cause) {
            RankedExecutor.this.failed(number);
            tell(step, null, cause);
        }

        private void tell(long step, StepOutput own, Throwable cause) {
            if (isLast(own, cause)) {
                Throwable reason = failure == null ? stopped() : failure;
                told();
                if (reason == null) {
                    listener.completed(output);
                } else {
                    listener.failed(step, reason);
                }
            }
        }

        private synchronized boolean isLast(StepOutput own, Throwable cause) {
            output = own == null ? output : own;
            failure = failure == null ? cause : failure;
            missing--;
            return missing == 0;
        }

        /** Why ranks did not wait for each other, or null. */
        private Throwable stopped() {
            try {
                check();
                return null;
            } catch (IllegalStateException e) {
                return e;
            }
        }
    }
}
