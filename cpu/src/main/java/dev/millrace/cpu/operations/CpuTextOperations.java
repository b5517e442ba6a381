package dev.millrace.cpu.operations;

import dev.millrace.cpu.weights.PackedMatrix;
import dev.millrace.cpu.weights.TextWeights;
import dev.millrace.model.config.ModelConfig.TextConfig;
import dev.millrace.model.executor.ForwardBatch;
import dev.millrace.model.executor.StepOutput;
import dev.millrace.model.forward.TextOperations;
import java.util.Arrays;

/** The decoder's half-blocks on the JVM. Activations are single precision, a row a token, rows padded with zeros. */
public final class CpuTextOperations implements TextOperations {

    private final TextConfig config;
    private final TextWeights weights;
    private final Compute compute;
    private final Rope rope;
    private final KeyValueStore[] cache;
    private final Attention[] attention;
    private final MediaBuffer media;
    private final SequenceRows rows;
    private final SampleOutput samples;
    private final int sampledVocabulary;
    private final int group;
    private final Activations x;
    private final Activations normed;
    private final Activations qkv;
    private final Activations attended;
    private final Activations mlp;
    private final Activations cos;
    private final Activations sin;
    private final Activations logits;

    private ForwardBatch batch;
    private TokenPlan plan;

    /**
     * @param media embeddings that stand for tokens; null where none do
     * @param rows the sequences' state; another model's operations may share it
     * @param numBlocks blocks of the key-value cache, the null block included
     * @param sampledVocabulary tokens that may be sampled: of those beyond the model's own vocabulary none is, and none beyond
     *     them
     * @param maxTokens tokens of the largest step, for which the activations are allocated at once
     * @param maxSamples samples of the largest step, likewise
     */
    public CpuTextOperations(
            TextConfig config,
            TextWeights weights,
            Compute compute,
            MediaBuffer media,
            SequenceRows rows,
            int numBlocks,
            int sampledVocabulary,
            int maxTokens,
            int maxSamples) {
        this.config = config;
        this.weights = weights;
        this.compute = compute;
        this.media = media;
        int keyValueHeads = config.numKeyValueHeads();
        rope = Rope.text(config.ropeTheta(), config.headDim(), config.mropeSection());
        cache = new KeyValueStore[config.numLayers()];
        attention = new Attention[config.numLayers()];
        for (int layer = 0; layer < cache.length; layer++) {
            cache[layer] = new KeyValueStore(numBlocks, keyValueHeads, config.headDim());
            attention[layer] = new Attention(compute.kernels(), cache[layer]);
        }
        this.rows = rows;
        this.sampledVocabulary = sampledVocabulary;
        samples = new SampleOutput(sampledVocabulary, compute.threads());
        group = config.numHeads() / keyValueHeads;
        int width = PackedMatrix.padInner(config.hiddenSize());
        x = new Activations(width);
        normed = new Activations(width);
        qkv = new Activations(PackedMatrix.padOutputs((config.numHeads() + 2 * keyValueHeads) * config.headDim()));
        attended = new Activations(PackedMatrix.padInner(config.numHeads() * config.headDim()));
        mlp = new Activations(PackedMatrix.padInner(config.intermediateSize()));
        cos = new Activations(rope.half());
        sin = new Activations(rope.half());
        logits = new Activations(PackedMatrix.padOutputs(Math.max(config.vocabSize(), sampledVocabulary)));
        reserve(maxTokens, Math.min(maxTokens, maxSamples));
    }

    private void reserve(int tokens, int sampled) {
        for (Activations buffer : new Activations[] {x, qkv, attended, mlp, cos, sin}) {
            buffer.reserve(tokens);
        }
        normed.reserve(Math.max(tokens, sampled));
        logits.reserve(sampled);
    }

    /** Binds the operations to a step. */
    public void bind(ForwardBatch step) {
        batch = step;
    }

    /**
     * The bound step's answer, once it was sampled.
     *
     * @param drafts what the draft model made for it, or null
     */
    public StepOutput result(int[] drafts, long computeNanos) {
        return samples.result(batch.step(), drafts, computeNanos);
    }

    /** The bound step's tokens, once they were sampled. */
    int[] sampled() {
        return samples.tokens();
    }

    int vocabSize() {
        return config.vocabSize();
    }

    /** A copy of x [T, D]. */
    public float[] hidden() {
        return x.copy(batch.numTokens(), config.hiddenSize());
    }

    @Override
    public void prepare() {
        rows.apply(batch);
        plan = new TokenPlan(batch, config.numKeyValueHeads(), group);
        int tokens = batch.numTokens();
        reserve(tokens, batch.numSamples());
        compute.share(tokens, rope.cost(), (worker, from, to) -> {
            for (int token = from; token < to; token++) {
                rope.angles(batch.positions(), token, tokens, cos.values(), sin.values(), token);
            }
        });
    }

    @Override
    public void copyBlocks() {
        int[] pairs = batch.copyPairs();
        for (KeyValueStore store : cache) {
            for (int i = 0; i < pairs.length; i += 2) {
                store.copy(pairs[i], pairs[i + 1]);
            }
        }
    }

    @Override
    public void embed() {
        compute.share(batch.numTokens(), x.stride(), (worker, from, to) -> {
            for (int token = from; token < to; token++) {
                int mediaRow = batch.mediaRow()[token];
                if (mediaRow >= 0) {
                    media.get(mediaRow, x.values(), x.row(token));
                } else {
                    weights.embedding().row(tokenId(token), x.values(), x.row(token));
                }
            }
        });
    }

    private int tokenId(int token) {
        int id = batch.ids()[token];
        int known =
                id == ForwardBatch.LAST_SAMPLED ? rowOf(plan.sequenceOf(token)).lastToken() : id;
        if (known < 0 || known >= config.vocabSize()) {
            throw new IllegalArgumentException(
                    "token id " + known + " is outside the vocabulary of " + config.vocabSize());
        }
        return known;
    }

    private RowState rowOf(int sequence) {
        return rows.get(batch.row()[sequence]);
    }

    @Override
    public void attnIn(int layer) {
        TextWeights.Layer w = weights.layers().get(layer);
        norm(w.attentionNorm());
        compute.multiply(w.qkv(), normed.values(), normed.stride(), batch.numTokens(), Outputs.store(qkv));
        int headDim = config.headDim();
        int heads = config.numHeads() + 2 * config.numKeyValueHeads();
        compute.share(batch.numTokens(), 4L * heads * headDim, (worker, from, to) -> {
            for (int token = from; token < to; token++) {
                turnAndKeep(layer, token);
            }
        });
    }

    /** Turns a token's queries and keys; puts its keys and values into their slot. */
    private void turnAndKeep(int layer, int token) {
        float[] values = qkv.values();
        int headDim = config.headDim();
        int start = qkv.row(token);
        int keys = start + config.numHeads() * headDim;
        for (int at = start; at < keys + config.numKeyValueHeads() * headDim; at += headDim) {
            rope.turn(values, at, cos.values(), sin.values(), token);
        }
        int index = plan.indexOf(token);
        int block = rowOf(plan.sequenceOf(token)).block(index / KeyValueStore.UNIT);
        for (int head = 0; head < config.numKeyValueHeads(); head++) {
            int key = keys + head * headDim;
            int value = key + config.numKeyValueHeads() * headDim;
            cache[layer].put(block, index % KeyValueStore.UNIT, head, values, key, value);
        }
    }

    @Override
    public void attend(int layer) {
        long cost = Attention.cost(config.headDim(), plan.longestContext());
        compute.share(plan.items(), cost, (worker, from, to) -> {
            Scratch scratch = compute.scratch(worker);
            for (int item = from; item < to; item++) {
                attendItem(attention[layer], scratch, item);
            }
        });
    }

    private void attendItem(Attention attention, Scratch scratch, int item) {
        int s = plan.sequenceOfItem(item);
        int head = plan.headOfItem(item, s);
        int first = plan.firstQuery(item, s);
        int count = Math.min(Attention.QUERIES, plan.queries(s) - first);
        for (int i = 0; i < Attention.QUERIES; i++) {
            int query = first + Math.min(i, count - 1);
            int token = batch.cuQ()[s] + query / group;
            int offset = (head * group + query % group) * config.headDim();
            scratch.queryOffsets[i] = qkv.row(token) + offset;
            scratch.outOffsets[i] = attended.row(token) + offset;
            scratch.queryLengths[i] = plan.indexOf(token) + 1;
        }
        attention.tile(scratch, qkv.values(), head, rowOf(s).table(), 0, count, attended.values());
    }

    @Override
    public void attnOut(int layer) {
        TextWeights.Layer w = weights.layers().get(layer);
        compute.multiply(w.output(), attended.values(), attended.stride(), batch.numTokens(), Outputs.add(x));
    }

    @Override
    public void mlpIn(int layer) {
        TextWeights.Layer w = weights.layers().get(layer);
        norm(w.mlpNorm());
        compute.multiply(
                w.gateUp(),
                normed.values(),
                normed.stride(),
                batch.numTokens(),
                Outputs.siluMultiply(compute.kernels().row(), mlp));
    }

    @Override
    public void mlpOut(int layer) {
        TextWeights.Layer w = weights.layers().get(layer);
        compute.multiply(w.down(), mlp.values(), mlp.stride(), batch.numTokens(), Outputs.add(x));
    }

    @Override
    public void logits() {
        int count = batch.numSamples();
        compute.share(count, 4L * x.stride(), (worker, from, to) -> {
            for (int i = from; i < to; i++) {
                int source = x.row(batch.sampleToken()[i]);
                compute.rmsNormRow(
                        x.values(),
                        source,
                        weights.norm(),
                        config.rmsNormEps(),
                        config.hiddenSize(),
                        x.stride(),
                        normed.values(),
                        normed.row(i),
                        compute.scratch(worker).lanes);
            }
        });
        compute.multiply(weights.head(), normed.values(), normed.stride(), count, Outputs.store(logits));
        for (int i = 0; i < count && config.vocabSize() < sampledVocabulary; i++) {
            int row = logits.row(i);
            Arrays.fill(logits.values(), row + config.vocabSize(), row + sampledVocabulary, Float.NEGATIVE_INFINITY);
        }
    }

    @Override
    public void sample() {
        samples.sample(batch, plan, rows, compute, logits.values(), logits.stride());
    }

    private void norm(float[] norm) {
        compute.rmsNorm(
                x.values(),
                norm,
                config.rmsNormEps(),
                config.hiddenSize(),
                x.stride(),
                batch.numTokens(),
                normed.values());
    }
}
