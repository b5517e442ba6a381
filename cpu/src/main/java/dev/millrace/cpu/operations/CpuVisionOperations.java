package dev.millrace.cpu.operations;

import dev.millrace.cpu.weights.PackedMatrix;
import dev.millrace.cpu.weights.VisionWeights;
import dev.millrace.model.config.ModelConfig.VisionConfig;
import dev.millrace.model.executor.MediaInput;
import dev.millrace.model.forward.VisionOperations;
import dev.millrace.model.forward.VisionPlan;

/** The vision tower's half-blocks on the JVM. Activations are single precision, a row a patch in window order. */
public final class CpuVisionOperations implements VisionOperations {

    /** The tower's norms have this constant, whatever the decoder's have. */
    private static final double RMS_NORM_EPS = 1e-6;

    /** Patches whose pixels are laid out at once. */
    private static final int PATCH_CHUNK = 1024;

    private final VisionConfig config;
    private final VisionWeights weights;
    private final Compute compute;
    private final MediaBuffer media;
    private final Rope rope;
    private final int unit; // patches of a token
    private final Activations pixels;
    private final Activations v;
    private final Activations normed;
    private final Activations qkv;
    private final Activations attended;
    private final Activations mlp;
    private final Activations merged;
    private final Activations hidden;
    private final Activations cos;
    private final Activations sin;

    private MediaInput input;
    private VisionPlan plan;
    private Segments windows;
    private Segments frames;
    private KeyValueStore store;
    private int storeUnits;
    private Attention attention;

    public CpuVisionOperations(VisionConfig config, VisionWeights weights, Compute compute, MediaBuffer media) {
        this.config = config;
        this.weights = weights;
        this.compute = compute;
        this.media = media;
        rope = Rope.vision(config.headDim());
        unit = config.spatialMergeSize() * config.spatialMergeSize();
        int width = PackedMatrix.padInner(config.hiddenSize());
        int mergedWidth = PackedMatrix.padInner(config.hiddenSize() * unit);
        pixels = new Activations(PackedMatrix.padInner(config.patchLength()));
        v = new Activations(width);
        normed = new Activations(width);
        qkv = new Activations(PackedMatrix.padOutputs(3 * config.hiddenSize()));
        attended = new Activations(width);
        mlp = new Activations(PackedMatrix.padInner(config.intermediateSize()));
        merged = new Activations(mergedWidth);
        hidden = new Activations(mergedWidth);
        cos = new Activations(rope.half());
        sin = new Activations(rope.half());
    }

    /** Binds the operations to one picture or video. */
    public void bind(MediaInput next) {
        input = next;
        var item = next.item();
        plan = VisionPlan.of(item.gridT(), item.gridH(), item.gridW(), config);
        windows = new Segments(plan.windowBounds(), config.numHeads());
        frames = new Segments(plan.frameBounds(), config.numHeads());
        int patches = patches();
        pixels.reserve(Math.min(patches, PATCH_CHUNK));
        for (Activations buffer : new Activations[] {v, normed, qkv, attended, mlp, cos, sin}) {
            buffer.reserve(patches);
        }
        merged.reserve(patches / unit);
        hidden.reserve(patches / unit);
        reserveUnits(Math.max(windows.units(), frames.units()));
        compute.share(patches, rope.cost(), (worker, from, to) -> {
            for (int patch = from; patch < to; patch++) {
                rope.angles(plan.positions(), patch, patches, cos.values(), sin.values(), patch);
            }
        });
    }

    private void reserveUnits(int units) {
        if (units > storeUnits) {
            storeUnits = units;
            store = new KeyValueStore(units, config.numHeads(), config.headDim());
            attention = new Attention(compute.kernels(), store);
        }
    }

    private int patches() {
        return input.item().numPatches();
    }

    /** A copy of v [P, Dv]. */
    public float[] hidden() {
        return v.copy(patches(), config.hiddenSize());
    }

    @Override
    public void patchEmbed() {
        int length = config.patchLength();
        float[] source = input.item().patches();
        for (int start = 0; start < patches(); start += PATCH_CHUNK) {
            int count = Math.min(PATCH_CHUNK, patches() - start);
            for (int i = 0; i < count; i++) {
                int patch = start + i;
                int from = plan.windowOrder()[patch / unit] * unit + patch % unit;
                System.arraycopy(source, from * length, pixels.values(), pixels.row(i), length);
            }
            compute.multiply(weights.patchEmbed(), pixels.values(), pixels.stride(), count, Outputs.store(v, start));
        }
    }

    @Override
    public void visAttnIn(int block) {
        VisionWeights.Block w = weights.blocks().get(block);
        norm(w.attentionNorm());
        compute.multiply(w.qkv(), normed.values(), normed.stride(), patches(), Outputs.store(qkv));
        int headDim = config.headDim();
        compute.share(patches(), 4L * qkv.stride(), (worker, from, to) -> {
            for (int patch = from; patch < to; patch++) {
                int start = qkv.row(patch);
                for (int head = 0; head < 2 * config.numHeads(); head++) {
                    rope.turn(qkv.values(), start + head * headDim, cos.values(), sin.values(), patch);
                }
            }
        });
    }

    @Override
    public void visAttend(int block, boolean full) {
        Segments segments = full ? frames : windows;
        compute.share(patches(), 4L * config.hiddenSize(), (worker, from, to) -> {
            for (int patch = from; patch < to; patch++) {
                keep(segments, patch);
            }
        });
        long cost = Attention.cost(config.headDim(), segments.longest());
        compute.share(segments.items(), cost, (worker, from, to) -> {
            for (int item = from; item < to; item++) {
                attendItem(segments, compute.scratch(worker), item);
            }
        });
    }

    /** Puts a patch's keys and values into their slot. */
    private void keep(Segments segments, int patch) {
        int segment = segments.ofPatch(patch);
        int index = patch - segments.start(segment);
        int at = segments.firstUnit(segment) + index / KeyValueStore.UNIT;
        for (int head = 0; head < config.numHeads(); head++) {
            int key = qkv.row(patch) + config.hiddenSize() + head * config.headDim();
            store.put(at, index % KeyValueStore.UNIT, head, qkv.values(), key, key + config.hiddenSize());
        }
    }

    private void attendItem(Segments segments, Scratch scratch, int item) {
        int segment = segments.ofItem(item);
        int length = segments.length(segment);
        int tiles = (length + Attention.QUERIES - 1) / Attention.QUERIES;
        int head = segments.itemWithin(item, segment) / tiles;
        int first = segments.itemWithin(item, segment) % tiles * Attention.QUERIES;
        int count = Math.min(Attention.QUERIES, length - first);
        for (int i = 0; i < Attention.QUERIES; i++) {
            int patch = segments.start(segment) + first + Math.min(i, count - 1);
            scratch.queryOffsets[i] = qkv.row(patch) + head * config.headDim();
            scratch.outOffsets[i] = attended.row(patch) + head * config.headDim();
            scratch.queryLengths[i] = length;
        }
        int table = segments.firstUnit(segment);
        attention.tile(scratch, qkv.values(), head, segments.table(), table, count, attended.values());
    }

    @Override
    public void visAttnOut(int block) {
        VisionWeights.Block w = weights.blocks().get(block);
        compute.multiply(w.output(), attended.values(), attended.stride(), patches(), Outputs.add(v));
    }

    @Override
    public void visMlpIn(int block) {
        VisionWeights.Block w = weights.blocks().get(block);
        norm(w.mlpNorm());
        compute.multiply(
                w.gateUp(),
                normed.values(),
                normed.stride(),
                patches(),
                Outputs.siluMultiply(compute.kernels().row(), mlp));
    }

    @Override
    public void visMlpOut(int block) {
        VisionWeights.Block w = weights.blocks().get(block);
        compute.multiply(w.down(), mlp.values(), mlp.stride(), patches(), Outputs.add(v));
    }

    @Override
    public void merge() {
        norm(weights.mergeNorm());
        int tokens = patches() / unit;
        int width = config.hiddenSize();
        for (int patch = 0; patch < patches(); patch++) {
            int to = merged.row(patch / unit) + patch % unit * width;
            System.arraycopy(normed.values(), normed.row(patch), merged.values(), to, width);
        }
        compute.multiply(weights.mergeIn(), merged.values(), merged.stride(), tokens, Outputs.gelu(hidden));
        compute.multiply(weights.mergeOut(), hidden.values(), hidden.stride(), tokens, this::keepEmbedding);
    }

    private void keepEmbedding(float[] product, int offset, int panel, int column) {
        int row = input.rows()[plan.windowOrder()[column]];
        media.put(row, panel * Outputs.PANEL, product, offset, Outputs.PANEL);
    }

    private void norm(float[] norm) {
        compute.rmsNorm(v.values(), norm, RMS_NORM_EPS, config.hiddenSize(), v.stride(), patches(), normed.values());
    }
}
