package dev.millrace.gpu;

import dev.millrace.model.executor.EncoderBatch;
import dev.millrace.model.executor.EncodingListener;
import dev.millrace.model.executor.MediaInput;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Encodings by the GPUs that share a model. Each has the whole tower and encodes some of the items; once all did, each copies
 * what the others encoded to its own media buffer. A rank that failed fails its next step.
 */
final class RankedEncodings {

    private final List<GpuExecutor> ranks;
    private long underWay;
    private boolean together;

    RankedEncodings(List<GpuExecutor> ranks) {
        this.ranks = ranks;
    }

    /** Whether the first rank is to encode everything from now on, because it is looked into. */
    synchronized void keepTogether(boolean wanted) {
        together = wanted;
    }

    void encode(EncoderBatch batch, EncodingListener listener) {
        List<List<MediaInput>> parts = begin(batch.media());
        Consumer<Throwable> end = failure -> {
            if (failure == null) {
                listener.encoded(batch.number());
            } else {
                listener.encodingFailed(batch.number(), failure);
            }
            ended();
        };
        Outcome encoded = new Outcome(failure -> {
            if (failure == null && ranks.size() > 1) {
                exchange(batch, parts, new Outcome(end));
            } else {
                end.accept(failure);
            }
        });
        for (int r = 0; r < ranks.size(); r++) {
            if (parts.get(r).isEmpty()) {
                encoded.encoded(batch.number());
            } else {
                ranks.get(r).encode(new EncoderBatch(batch.number(), parts.get(r)), encoded);
            }
        }
    }

    private void exchange(EncoderBatch batch, List<List<MediaInput>> parts, Outcome copied) {
        for (int r = 0; r < ranks.size(); r++) {
            Map<GpuExecutor, List<MediaInput>> others = new HashMap<>();
            for (int other = 0; other < ranks.size(); other++) {
                if (other != r) {
                    others.put(ranks.get(other), parts.get(other));
                }
            }
            ranks.get(r).copyMedia(batch, others, copied);
        }
    }

    /** Waits until nothing is under way. */
    synchronized void await() {
        boolean interrupted = false;
        while (underWay > 0) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized List<List<MediaInput>> begin(List<MediaInput> media) {
        underWay++;
        return parts(media, together ? 1 : ranks.size(), ranks.size());
    }

    private synchronized void ended() {
        underWay--;
        notifyAll();
    }

    /**
     * Spreads items over the first {@code used} of some ranks, the largest first, each to who has least; in their order.
     *
     * @return a list for each rank
     */
    static List<List<MediaInput>> parts(List<MediaInput> media, int used, int ranks) {
        int[] rankOf = new int[media.size()];
        long[] patches = new long[used];
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < media.size(); i++) {
            order.add(i);
        }
        order.sort(Comparator.comparingInt(i -> -media.get(i).item().numPatches()));
        for (int i : order) {
            int least = 0;
            for (int r = 1; r < used; r++) {
                least = patches[r] < patches[least] ? r : least;
            }
            rankOf[i] = least;
            patches[least] += media.get(i).item().numPatches();
        }
        List<List<MediaInput>> parts = new ArrayList<>();
        for (int r = 0; r < ranks; r++) {
            parts.add(new ArrayList<>());
        }
        for (int i = 0; i < rankOf.length; i++) {
            parts.get(rankOf[i]).add(media.get(i));
        }
        return parts;
    }

    /** What the ranks say; once the last did, the first failure is passed on, or null. */
    private final class Outcome implements EncodingListener {
        private final Consumer<Throwable> last;
        private int missing = ranks.size();
        private Throwable failure;

        Outcome(Consumer<Throwable> last) {
            this.last = last;
        }

        @Override
        public void encoded(long encoding) {
            tell(null);
        }

        @Override
        public void encodingFailed(long encoding, Throwable cause) {
            tell(cause);
        }

        private void tell(Throwable cause) {
            if (isLast(cause)) {
                last.accept(failure);
            }
        }

        private synchronized boolean isLast(Throwable cause) {
            failure = failure == null ? cause : failure;
            missing--;
            return missing == 0;
        }
    }
}
