"""A lean forward pass of Qwen2.5-VL (and of Qwen2, for the draft) for training on batches of equal shape.

It computes what transformers computes, from the same weights under the same names, but without anything that
depends on the data: no host synchronisation and no loops over pictures, so that it can be captured as a CUDA graph.
Windowed attention is a mask, the patches keep their order, and the pictures of a batch form a batch dimension.
"""

import torch
import torch.nn.functional as F

import tokenizer as chat

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def parameter_shapes(config):
    """Names and shapes as in the exported model.safetensors."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    key_value = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
    shapes = {"model.embed_tokens.weight": (config["vocab_size"], hidden), "model.norm.weight": (hidden,)}
    for i in range(config["num_hidden_layers"]):
        p = f"model.layers.{i}."
        shapes[p + "input_layernorm.weight"] = shapes[p + "post_attention_layernorm.weight"] = (hidden,)
        for name, out in (("q_proj", hidden), ("k_proj", key_value), ("v_proj", key_value)):
            shapes[f"{p}self_attn.{name}.weight"] = (out, hidden)
            shapes[f"{p}self_attn.{name}.bias"] = (out,)
        shapes[p + "self_attn.o_proj.weight"] = (hidden, hidden)
        shapes[p + "mlp.gate_proj.weight"] = shapes[p + "mlp.up_proj.weight"] = (inner, hidden)
        shapes[p + "mlp.down_proj.weight"] = (hidden, inner)
    vision = config.get("vision_config")
    if not vision:
        return shapes
    dim, inner, merge = vision["hidden_size"], vision["intermediate_size"], vision["spatial_merge_size"] ** 2
    patch, frames = vision["patch_size"], vision["temporal_patch_size"]
    shapes["visual.patch_embed.proj.weight"] = (dim, 3, frames, patch, patch)
    for i in range(vision["depth"]):
        p = f"visual.blocks.{i}."
        shapes[p + "norm1.weight"] = shapes[p + "norm2.weight"] = (dim,)
        linears = {"attn.qkv": (3 * dim, dim), "attn.proj": (dim, dim)}
        linears |= {"mlp.gate_proj": (inner, dim), "mlp.up_proj": (inner, dim), "mlp.down_proj": (dim, inner)}
        for name, shape in linears.items():
            shapes[f"{p}{name}.weight"], shapes[f"{p}{name}.bias"] = shape, shape[:1]
    shapes["visual.merger.ln_q.weight"] = (dim,)
    for name, shape in (("0", (merge * dim, merge * dim)), ("2", (vision["out_hidden_size"], merge * dim))):
        shapes[f"visual.merger.mlp.{name}.weight"], shapes[f"visual.merger.mlp.{name}.bias"] = shape, shape[:1]
    return shapes


def initial_weights(config, seed=1):
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in parameter_shapes(config).items():
        if name.endswith("bias"):
            weights[name] = torch.zeros(shape)
        elif len(shape) == 1:
            weights[name] = torch.ones(shape)
        else:
            weights[name] = torch.randn(shape, generator=generator) * config["initializer_range"]
    return weights


# ------------------------------------------------------------------------------------- elementwise parts
# `fuse_elementwise` replaces these two by compiled versions.


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def gated(gate, up):
    return F.silu(gate) * up


def fuse_elementwise():
    global rotate, gated
    rotate = torch.compile(rotate, dynamic=True)
    gated = torch.compile(gated, dynamic=True)


def angles(positions, config):
    """Cosine and sine of the rotary embedding; positions is (3, tokens): time, height, width."""
    half = config["hidden_size"] // config["num_attention_heads"] // 2
    frequency = config["rope_theta"] ** (-torch.arange(half, device=positions.device).float() / half)
    sections = (config.get("rope_scaling") or {}).get("mrope_section", [half])
    axis = torch.tensor([a for a, n in enumerate(sections) for _ in range(n)], device=positions.device)
    angle = positions.float()[axis].T * frequency
    return angle.cos()[:, None], angle.sin()[:, None]


def decode(weights, config, x, cos, sin):
    """The decoder over embeddings x (batch, tokens, hidden); returns normalised hidden states."""
    batch, length, hidden = x.shape
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    dim, eps = hidden // heads, config["rms_norm_eps"]
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    for i in range(config["num_hidden_layers"]):
        p = f"model.layers.{i}."
        normed = F.rms_norm(x, (hidden,), weights[p + "input_layernorm.weight"], eps)
        names = [p + f"self_attn.{n}_proj" for n in "qkv"]
        weight = torch.cat([weights[n + ".weight"] for n in names])
        bias = torch.cat([weights[n + ".bias"] for n in names])
        mixed = F.linear(normed, weight, bias).view(batch, length, heads + 2 * kv_heads, dim)
        turned = rotate(mixed[:, :, : heads + kv_heads], cos, sin)
        q, k = turned[:, :, :heads].transpose(1, 2), turned[:, :, heads:].transpose(1, 2)
        v = mixed[:, :, heads + kv_heads :].transpose(1, 2)
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        attended = attended.transpose(1, 2).reshape(batch, length, hidden)
        x = x + F.linear(attended, weights[p + "self_attn.o_proj.weight"])
        normed = F.rms_norm(x, (hidden,), weights[p + "post_attention_layernorm.weight"], eps)
        gate = F.linear(normed, weights[p + "mlp.gate_proj.weight"])
        up = F.linear(normed, weights[p + "mlp.up_proj.weight"])
        x = x + F.linear(gated(gate, up), weights[p + "mlp.down_proj.weight"])
    return F.rms_norm(x, (hidden,), weights["model.norm.weight"], eps)


def pixel_scale(device):
    """Factor and summand that normalise a pixel value of 0 to 255."""
    mean, std = torch.tensor(MEAN, device=device), torch.tensor(STD, device=device)
    return 1 / (255 * std), -mean / std


def patches(pictures, scale, shift, noise, dtype):
    """uint8 (batch, frames, h, w, 3) -> (pictures, patches, values) with the patches of a 2x2 block in a row.

    Two frames make one patch of a video; a still picture counts as two equal frames and is left single here.
    """
    x = pictures.float()
    if noise:
        sigma = torch.rand(x.shape[:2], device=x.device) * 6 * (torch.rand(x.shape[:2], device=x.device) < 0.5)
        x = (x + torch.randn_like(x) * sigma[..., None, None, None]).clamp(0, 255).floor()
    x = x * scale + shift
    b, f, h, w, _ = x.shape
    x = x.view(b, f, h // 28, 2, 14, w // 28, 2, 14, 3)
    return x.permute(0, 2, 5, 3, 6, 8, 1, 4, 7).reshape(b, (h // 14) * (w // 14), 3, f, 196).to(dtype)


def patch_positions(h, w, device):
    """Row and column of every patch of an h x w picture, in the order of `patches`."""
    rows = torch.arange(h // 14, device=device).view(-1, 1).expand(-1, w // 14)
    columns = torch.arange(w // 14, device=device).view(1, -1).expand(h // 14, -1)
    blocks = [p.reshape(h // 28, 2, w // 28, 2).transpose(1, 2).reshape(-1) for p in (rows, columns)]
    return torch.stack(blocks)


def vision_layout(config, h, w, device):
    """Rotary angles of the patches and the mask of the windowed blocks (None where one window holds them all)."""
    vision = config["vision_config"]
    row, column = patch_positions(h, w, device)
    quarter = vision["hidden_size"] // vision["num_heads"] // 4
    frequency = 10000.0 ** (-torch.arange(quarter, device=device).float() / quarter)
    angle = torch.cat([row[:, None] * frequency, column[:, None] * frequency], -1)[:, None]
    window = vision["window_size"] // vision["patch_size"]
    number = (row // window) * 1000 + column // window
    mask = number[:, None] == number[None, :]
    return angle.cos(), angle.sin(), None if bool(mask.all()) else mask


def see(weights, config, x, cos, sin, mask):
    """The vision tower over patches (pictures, patches, 3, frames, 196); returns (pictures, merged, hidden)."""
    vision = config["vision_config"]
    dim, heads = vision["hidden_size"], vision["num_heads"]
    embed = weights["visual.patch_embed.proj.weight"].view(dim, 3, 2, 196)
    if x.shape[3] == 1:
        embed = embed.sum(2, keepdim=True)
    x = F.linear(x.flatten(2), embed.reshape(dim, -1))
    pictures, count, _ = x.shape
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    for i in range(vision["depth"]):
        p = f"visual.blocks.{i}."

        def linear(name, value):
            return F.linear(value, weights[p + name + ".weight"], weights[p + name + ".bias"])

        normed = F.rms_norm(x, (dim,), weights[p + "norm1.weight"], 1e-6)
        mixed = linear("attn.qkv", normed).view(pictures, count, 3 * heads, dim // heads)
        turned = rotate(mixed[:, :, : 2 * heads], cos, sin)
        q, k = turned[:, :, :heads].transpose(1, 2), turned[:, :, heads:].transpose(1, 2)
        v = mixed[:, :, 2 * heads :].transpose(1, 2)
        window = None if i in vision["fullatt_block_indexes"] else mask
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=window)
        x = x + linear("attn.proj", attended.transpose(1, 2).reshape(pictures, count, dim))
        normed = F.rms_norm(x, (dim,), weights[p + "norm2.weight"], 1e-6)
        x = x + linear("mlp.down_proj", gated(linear("mlp.gate_proj", normed), linear("mlp.up_proj", normed)))
    x = F.rms_norm(x, (dim,), weights["visual.merger.ln_q.weight"], 1e-6).view(pictures, count // 4, 4 * dim)
    x = F.gelu(F.linear(x, weights["visual.merger.mlp.0.weight"], weights["visual.merger.mlp.0.bias"]))
    return F.linear(x, weights["visual.merger.mlp.2.weight"], weights["visual.merger.mlp.2.bias"])


def token_positions(bucket, prefix, length, released=True):
    """(3, length) positions of a prompt whose pictures begin after `prefix` tokens.

    Text after a video resumes at the largest position of any axis plus one in the rule the architecture was
    released with; transformers 5 resumes after the larger side instead. They differ for clips of six frames on.
    """
    positions, current = [], 0

    def text(n):
        nonlocal current
        positions.extend([(current + i,) * 3 for i in range(n)])
        current += n

    text(prefix)
    for number in range(bucket.pictures):
        h, w = bucket.grid[0] // 28, bucket.grid[1] // 28
        times = bucket.frames // 2 if bucket.kind == "video" else 1
        text(1)
        start = current
        for t in range(times):
            positions.extend([(start + 2 * t, start + y, start + x) for y in range(h) for x in range(w)])
        current = start + (max(h, w, 2 * (times - 1) + 1) if released else max(h, w))
        text(1)
    text(length - len(positions))
    return torch.tensor(positions[:length]).T.contiguous()


class Layout:
    """What is fixed for a bucket: where the pictures lie in the sequence, positions, masks."""

    def __init__(self, bucket, config, tokenizer, device):
        self.bucket, self.config = bucket, config
        head = chat.prompt("", 0)
        head = head[: head.index("<|im_end|>\n<|im_start|>assistant")]
        self.prefix = len(tokenizer.encode(head, add_special_tokens=False).ids)
        self.begin = self.prefix + bucket.pictures * (bucket.merged + 2)  # where the question begins
        if "vision_config" in config:
            rules = [token_positions(bucket, self.prefix, bucket.length, r).to(device) for r in (True, False)]
        else:
            rules = [torch.arange(bucket.length, device=device).expand(3, -1)] * 2
        self.same = torch.equal(*rules)
        self.angles = [angles(p, config) for p in rules]
        self.pixels = pixel_scale(device)
        if bucket.grid and "vision_config" in config:
            self.vision = vision_layout(config, *bucket.grid, device)

    def text_angles(self):
        """The released rule or, half of the time, the other one, where they differ. Runs inside a graph."""
        if self.same:
            return self.angles[0]
        choose = torch.rand((), device=self.angles[0][0].device) < 0.5
        return tuple(torch.where(choose, a, b) for a, b in zip(*self.angles))

    def embed(self, weights, pictures, ids, noise):
        """Token embeddings with the pictures' features in their places."""
        table = weights["model.embed_tokens.weight"]
        b = self.bucket
        if not b.grid:
            return F.embedding(ids, table)
        batch = ids.shape[0]
        if b.kind == "video":
            pictures = pictures.unflatten(1, (-1, 2)).flatten(0, 1)
        else:
            pictures = pictures.flatten(0, 1)[:, None]
        x = patches(pictures, *self.pixels, noise, table.dtype)
        features = see(weights, self.config, x, *self.vision).reshape(batch, b.pictures, b.merged, -1)
        parts, at = [], 0
        for number in range(b.pictures):
            start = self.prefix + number * (b.merged + 2) + 1
            parts += [F.embedding(ids[:, at:start], table), features[:, number]]
            at = start + b.merged
        return torch.cat([*parts, F.embedding(ids[:, at:], table)], 1)

    def logits(self, weights, pictures, ids, noise=False, text_angles=None):
        """Predictions for the tokens from `self.begin` + 1 on: (batch, length - begin - 1, vocabulary)."""
        if "vision_config" in self.config:
            x = self.embed(weights, pictures, ids, noise)
        else:
            x = F.embedding(ids, weights["model.embed_tokens.weight"])
        hidden = decode(weights, self.config, x, *(text_angles or self.text_angles()))
        return F.linear(hidden[:, self.begin : -1], weights["model.embed_tokens.weight"])

    def labels(self, ids, begin, end):
        """The answers' tokens that `logits` predicts, -100 elsewhere."""
        column = torch.arange(self.begin + 1, ids.shape[1], device=ids.device)
        answer = (column >= begin[:, None]) & (column < end[:, None])
        return ids[:, self.begin + 1 :].masked_fill(~answer, -100)

    def loss(self, weights, pictures, ids, begin, end, noise=True):
        logits = self.logits(weights, pictures, ids, noise)
        return F.cross_entropy(logits.flatten(0, 1).float(), self.labels(ids, begin, end).flatten(), ignore_index=-100)
