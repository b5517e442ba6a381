"""Reference vectors layer by layer at a released shape, with random weights, from PyTorch + transformers 5 on a GPU.

Usage: make_7b.py OUT [--config FILE] [--layers N] [--vision-blocks N] [--text N,N] [--images WxH,WxH] [--frames N]
                  [--rows N] [--seed N] [--name X]

Writes OUT/model-X (by save_pretrained, bf16, in shards; 16.6 GB at the 7B shape), OUT/cases-X.json and .safetensors in the
layout of golden/, which `millrace check OUT` reads. Beyond what golden/README.md lists a case holds
  sampled_tokens, sampled_patches   the tokens (the last one among them), and patches in the tower's window order, that are kept
  NAME.row_logits                   logits of the sampled tokens
  NAME.hidden.L                     the residual stream after decoder layer L, of the sampled tokens
  NAME.vision_hidden.B              the same after block B of the tower, of the sampled patches
and PyTorch's own errors in bf16 and in fp32 with TF32 off over exactly these values (pytorch_bf16_*, pytorch_fp32_*). The
reference is fp64, stored as fp32.

The weights are random, a product's outputs as large as its inputs but for these: the decoder's q and k are scaled by 2, so that
attention is sharp; what its layers add to the residual stream is scaled by 1 / sqrt(2 * layers), as in GPT-2 (Radford and others
2019), or else 28 layers of sharp attention would amplify each rounding until bf16 and fp64 had nothing in common; the vocabulary's
rows are of different length, so that the best token often leads clearly. The tower's weights are larger by 1.2.
"""
import argparse, contextlib, copy, json, math, os, time, typing
import numpy as np, torch
from PIL import Image
from safetensors.torch import save_file
from torch.overrides import TorchFunctionMode
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

SHAPE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../models/shapes/qwen2.5-vl-7b/config.json")
GREEDY_TOKENS = 24
DECODER_GAIN, TOWER_GAIN, HEAD_SPREAD = 1.0, 1.2, 0.5
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


def arguments():
    numbers = lambda text: [int(n) for n in text.split(",") if n]
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("--config", default=SHAPE)
    p.add_argument("--layers", type=int)
    p.add_argument("--vision-blocks", type=int)
    p.add_argument("--text", type=numbers, default=[17, 200, 1500])
    p.add_argument("--images", type=lambda t: [numbers(s.replace("x", ",")) for s in t.split(",")], default=[[448, 448], [1008, 1008]])
    p.add_argument("--frames", type=int, default=6)
    p.add_argument("--rows", type=int, default=128)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--name", default="7b")
    return p.parse_args()


def configuration(args):
    flat = json.load(open(args.config))
    if args.layers:
        flat["num_hidden_layers"] = flat["max_window_layers"] = args.layers
    if args.vision_blocks:
        vision = flat["vision_config"]
        vision["depth"] = args.vision_blocks
        full = [b for b in vision["fullatt_block_indexes"] if b < args.vision_blocks]
        vision["fullatt_block_indexes"] = full or [args.vision_blocks - 1]
    config = Qwen2_5_VLConfig(**flat)
    config._attn_implementation = "eager"
    return config


def random_model(config, device, seed):
    """In bf16, as a checkpoint holds it."""
    generator = torch.Generator(device).manual_seed(seed)
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("meta"):
        names = {n for n, _ in Qwen2_5_VLForConditionalGeneration(config).named_buffers()}
    initialise = Qwen2_5_VLForConditionalGeneration._init_weights
    Qwen2_5_VLForConditionalGeneration._init_weights = lambda self, module: None
    with torch.device(device):
        model = Qwen2_5_VLForConditionalGeneration(config).eval()
    Qwen2_5_VLForConditionalGeneration._init_weights = initialise
    torch.set_default_dtype(torch.float32)
    for name, buffer in model.named_buffers():
        assert name in names and buffer.dtype == torch.float32 and buffer.isfinite().all(), name
    added = 1 / math.sqrt(2 * config.text_config.num_hidden_layers)
    for name, p in model.named_parameters():
        p.normal_(generator=generator)
        decoder = "visual" not in name
        if "norm" in name or name.endswith("ln_q.weight"):
            p.mul_(0.1).add_(1)
        elif name.endswith("bias"):
            p.mul_(0.1)
        elif "embed_tokens" not in name:
            p.mul_((DECODER_GAIN if decoder else TOWER_GAIN) / math.sqrt(p[0].numel()))
        if "q_proj" in name or "k_proj" in name:
            p.mul_(2)
        if decoder and ("o_proj" in name or "down_proj" in name):
            p.mul_(added)
        if "lm_head" in name:
            p.mul_((HEAD_SPREAD * torch.randn(len(p), 1, generator=generator, device=device)).exp().to(p.dtype))
    return model


def in_precision(model, dtype):
    """A copy; what the angles are made of stays fp32, as in transformers."""
    copied = copy.deepcopy(model).to(dtype)
    for module in copied.modules():
        for name, buffer in module._buffers.items():
            module._buffers[name] = buffer.float()
    return copied


class Fp64(TorchFunctionMode):
    """Where transformers takes fp32 whatever the model's type (norms, softmax, rotary embedding), fp64 stays; sines and cosines
    are those of the fp32 angles."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in (torch.Tensor.cos, torch.Tensor.sin, torch.cos, torch.sin):
            return function(args[0].double())
        if args and isinstance(args[0], torch.Tensor) and args[0].dtype == torch.float64:
            if function is torch.Tensor.float:
                return args[0]
            wide = lambda a: torch.float64 if a is torch.float32 else a
            args, kwargs = tuple(map(wide, args)), {k: wide(v) for k, v in kwargs.items()}
        return function(*args, **kwargs)


def positions(ids, config, grids, seconds):
    """Position ids [3, tokens] by the rule of golden/README.md."""
    grids, out, current, i = iter(grids), [], 0, 0
    while i < len(ids):
        if ids[i] not in (config.image_token_id, config.video_token_id):
            out.append([current] * 3)
            current, i = current + 1, i + 1
            continue
        t, h, w = next(grids)
        h, w, step = h // 2, w // 2, seconds * config.vision_config.tokens_per_second if ids[i] == config.video_token_id else 0
        block = [[current + int(a * step), current + b, current + c] for a in range(t) for b in range(h) for c in range(w)]
        out += block
        current, i = max(map(max, block)) + 1, i + len(block)
    return torch.tensor(out, dtype=torch.int32).T.contiguous()


class Taps:
    """What the tower's blocks and the decoder's layers leave, of some rows, by hooks."""

    def __init__(self, model, tokens, patches):
        self.hidden, self.vision = {}, {}
        tower, decoder = model.model.visual.blocks, model.model.language_model.layers
        self.hooks = [m.register_forward_hook(self.tap(self.vision, i, patches)) for i, m in enumerate(tower)]
        self.hooks += [m.register_forward_hook(self.tap(self.hidden, i, tokens)) for i, m in enumerate(decoder)]

    @staticmethod
    def tap(kept, index, rows):
        def hook(module, inputs, output):
            values = output[0] if isinstance(output, tuple) else output
            kept[index] = values.reshape(-1, values.shape[-1])[rows]
        return hook

    def close(self):
        for hook in self.hooks:
            hook.remove()


def run(model, case, rows, patches, device):
    """The prompt's pass: taps, logits of the rows, embeddings of the media, and what continues it."""
    dtype = model.lm_head.weight.dtype
    kwargs = {k: v.to(device, dtype if v.is_floating_point() else v.dtype) for k, v in case["media"].items()}
    taps = Taps(model, rows, patches)
    embeddings = {}
    kind = "video" if "video_grid_thw" in kwargs else "image"
    hook = model.model.visual.register_forward_hook(lambda m, i, o: embeddings.update({kind: o.pooler_output}))
    out = model(input_ids=torch.tensor([case["ids"]], device=device), position_ids=case["positions"][:, None].long().to(device),
                use_cache=True, logits_to_keep=torch.tensor(rows, device=device), **kwargs)
    hook.remove()
    taps.close()
    return taps, out.logits[0], embeddings, out.past_key_values


def greedy(model, logits, cache, position, device):
    tokens, margins = [], []
    for step in range(GREEDY_TOKENS):
        top = logits.topk(2)
        tokens.append(int(top.indices[0]))
        margins.append(round(float(top.values[0] - top.values[1]), 5))
        if step + 1 < GREEDY_TOKENS:
            at = torch.full((3, 1, 1), position + step, device=device)
            logits = model(input_ids=torch.tensor([[tokens[-1]]], device=device), position_ids=at, past_key_values=cache, use_cache=True).logits[0, -1]
    return tokens, margins


def error(actual, expected):
    difference = (actual - expected).double()
    return {"rms": float(difference.pow(2).mean().sqrt()), "max": float(difference.abs().max())}


def picture(rng, width, height):
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [127 + 127 * np.sin(xx * rng.uniform(.01, .2) + yy * rng.uniform(.01, .2) + rng.uniform(0, 6)) for _ in range(3)]
    noise = rng.uniform(-40, 40, (height, width, 3))
    return Image.fromarray((np.stack(waves, -1) + noise).clip(0, 255).astype(np.uint8))


def patches_of(frames):
    """Pixels [patches, 1176] and the grid, as transformers' Qwen2VLImageProcessor makes them of frames that need no resizing."""
    stack = torch.stack([torch.from_numpy(np.asarray(f).copy()) for f in frames]).permute(0, 3, 1, 2).float()
    stack = (stack / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    if len(frames) % 2:
        stack = torch.cat([stack, stack[-1:]])
    t, h, w = len(stack) // 2, stack.shape[2] // 14, stack.shape[3] // 14
    split = stack.reshape(t, 2, 3, h // 2, 2, 14, w // 2, 2, 14).permute(0, 3, 6, 4, 7, 2, 1, 5, 8)
    return split.reshape(t * h * w, 1176).contiguous(), [t, h, w]


def cases(args, config, rng):
    """Prompts; pictures have sides that are multiples of 28, so that nothing is resized."""
    os.makedirs(f"{args.out}/images", exist_ok=True)
    last = min(config.image_token_id, config.text_config.vocab_size) - 10
    text = lambda n: [int(v) for v in rng.integers(20, last, n)]
    wrap = lambda token, grid: [config.vision_start_token_id] + [token] * (int(np.prod(grid)) // 4) + [config.vision_end_token_id]
    for n in args.text:
        yield dict(name=f"text-{n}", ids=text(n), media={}, grids=[], images=[], frames=[])
    for size in [[s] for s in args.images] + ([args.images] if len(args.images) > 1 else []):
        pictures = [picture(rng, *s) for s in size]
        name = "image-" + "-".join(f"{w}x{h}" for w, h in size)
        files = [f"images/{args.name}-{name}-{i}.png" for i in range(len(size))]
        for file, p in zip(files, pictures):
            p.save(f"{args.out}/{file}")
        values, grids = zip(*(patches_of([p]) for p in pictures))
        ids = text(5)
        for grid in grids:
            ids += wrap(config.image_token_id, grid) + text(7)
        yield dict(name=name, ids=ids, grids=list(grids), images=files, frames=[],
                   media=dict(pixel_values=torch.cat(values), image_grid_thw=torch.tensor(grids)))
    if args.frames:
        frames = [picture(rng, *args.images[0]) for _ in range(args.frames)]
        files = [f"images/{args.name}-video-{i}.png" for i in range(args.frames)]
        for file, p in zip(files, frames):
            p.save(f"{args.out}/{file}")
        values, grid = patches_of(frames)
        grids = [grid]
        ids = text(4) + wrap(config.video_token_id, grids[0]) + text(6)
        yield dict(name="video", ids=ids, grids=grids, images=[], frames=files, media=dict(pixel_values_videos=values, video_grid_thw=torch.tensor(grids)))


class Pass(typing.NamedTuple):
    """What a case gives in one precision, in fp32."""

    logits: torch.Tensor
    embeds: dict
    hidden: list
    vision: list
    tokens: list
    margins: list


def passes(model, dtype, planned, device):
    """All cases in one precision; the tokens that follow in fp64 alone."""
    exact = dtype == torch.float64
    for case in planned:
        with Fp64() if exact else contextlib.nullcontext():
            taps, logits, embeds, cache = run(model, case, case["rows"], case["places"], device)
            tokens, margins = greedy(model, logits[-1], cache, int(case["positions"].max()) + 1, device) if exact else ([], [])
        cpu = lambda kept: [kept[i].float().cpu() for i in sorted(kept)]
        yield Pass(logits.float().cpu(), {k: v.float().cpu() for k, v in embeds.items()}, cpu(taps.hidden), cpu(taps.vision), tokens, margins)


def own_errors(code, actual, expected):
    """What is recorded of PyTorch's own pass in a type."""
    prefix = f"pytorch_{code}"
    record = {f"{prefix}_{k}": v for k, v in error(actual.logits, expected.logits).items()}
    for kind, values in expected.embeds.items():
        record |= {f"{prefix}_embeds_{k}": v for k, v in error(actual.embeds[kind], values).items()}
    for kind, ours, theirs in (("hidden", expected.hidden, actual.hidden), ("vision_hidden", expected.vision, actual.vision)):
        record[f"{prefix}_{kind}"] = [{f"{code}_{k}": v for k, v in error(a, b).items()} for a, b in zip(theirs, ours)]
    return record


def main():
    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    args, start = arguments(), time.time()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    say = lambda what: print(f"{time.time() - start:6.1f} s  {what}", flush=True)
    config = configuration(args)
    bf16 = random_model(config, device, args.seed)
    say(f"random weights: {sum(p.numel() for p in bf16.parameters()) / 1e9:.2f} G on {device}")
    folder = f"{args.out}/model-{args.name}"
    bf16.save_pretrained(folder, max_shard_size="4GB")
    say(f"written to {folder}")
    rng = np.random.default_rng(args.seed)
    planned = list(cases(args, config, rng))
    for case in planned:
        some = lambda n: sorted({n - 1, *(int(v) for v in rng.choice(n, min(n, args.rows), replace=False))}) if n else []
        case["positions"] = positions(case["ids"], config, case["grids"], 1.0)
        case["rows"], case["places"] = some(len(case["ids"])), some(sum(int(np.prod(g)) for g in case["grids"]))
    results = {}
    for code, dtype in (("fp64", torch.float64), ("fp32", torch.float32), ("bf16", torch.bfloat16)):
        model = bf16 if dtype == torch.bfloat16 else in_precision(bf16, dtype)
        results[code] = list(passes(model, dtype, planned, device))
        del model  # beside the next one there would be no room
        say(f"{len(planned)} cases in {code}")
    tensors, records = {}, []
    for case, reference, fp32, low in zip(planned, *results.values()):
        name, video = case["name"], bool(case["frames"])
        tensors[f"{name}.position_ids"], tensors[f"{name}.row_logits"] = case["positions"], reference.logits
        tensors.update({f"{name}.{kind}_embeds": values for kind, values in reference.embeds.items()})
        tensors.update({f"{name}.hidden.{i}": values for i, values in enumerate(reference.hidden)})
        tensors.update({f"{name}.vision_hidden.{i}": values for i, values in enumerate(reference.vision)})
        record = dict(name=name, input_ids=case["ids"], images=case["images"], image_grid_thw=[] if video else case["grids"],
                      video_frames=case["frames"], video_grid_thw=case["grids"] if video else [], second_per_grid_ts=[1.0] if video else [],
                      greedy_tokens=reference.tokens, greedy_margin=reference.margins, sampled_tokens=case["rows"], sampled_patches=case["places"])
        record |= own_errors("bf16", low, reference) | own_errors("fp32", fp32, reference)
        records.append(record)
        rms = lambda values: float(values.double().pow(2).mean().sqrt())
        comparable = [sum(m > 4 * record[f"pytorch_{code}_max"] for m in reference.margins) for code in ("bf16", "fp32")]
        say(f"{name}: {len(case['ids'])} tokens, {sum(int(np.prod(g)) for g in case['grids'])} patches, logits to {float(reference.logits.abs().max()):.1f}, "
            f"RMS {rms(reference.logits):.2f}, last layer's {rms(reference.hidden[-1]):.2f}; errors in bf16 {record['pytorch_bf16_rms']:.2e} (max {record['pytorch_bf16_max']:.2e}), "
            f"in fp32 {record['pytorch_fp32_rms']:.2e}; {comparable[0]} and {comparable[1]} of {len(reference.margins)} tokens comparable")
    save_file({k: v.contiguous() for k, v in tensors.items()}, f"{args.out}/cases-{args.name}.safetensors")
    json.dump(records, open(f"{args.out}/cases-{args.name}.json", "w"))
    say("done")


if __name__ == "__main__":
    main()
