"""The byte-level BPE tokenizer of the demonstration models and Qwen's chat format."""

import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

import scenes

SYSTEM = "You are a helpful assistant."
SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
]
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def corpus():
    """Sentences as the generator words them; the fixed seed makes the tokenizer the same every time."""
    rng = random.Random(5)
    lines = [SYSTEM, "system", "user", "assistant"] * 50
    for _ in range(4000):
        things = []
        for _ in range(rng.randint(1, 3)):
            size, color, shape = rng.choice(scenes.SIZES), rng.choice(list(scenes.COLORS)), rng.choice(scenes.SHAPES)
            things.append(scenes.Thing(rng.random(), rng.random(), 0, size, color, shape))
        lines += [scenes.caption(things), scenes.caption_zh(things), scenes.detail(things, 1, 1)]
        shape = rng.choice(scenes.SHAPES)
        lines += [f"How many {scenes.plural(shape)} are there?", f"There are no {scenes.plural(shape)}."]
        lines += [f"What color is the {shape}?", f"There is 1 {shape}.", "The text says"]
        for questions in (scenes.CAPTION, scenes.CAPTION_ZH, scenes.DETAIL, scenes.READ, scenes.VIDEO, scenes.COMPARE):
            lines.append(rng.choice(questions))
        lines += scenes.text_sample(rng)[1:]
        lines += [f"A moves from {rng.choice(list(scenes.MOVES))}.", "stays still."]
        lines += ["Picture 1 shows", "Picture 2 shows"]
    return lines


def train():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(PATTERN), behavior="isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        corpus(), trainers.BpeTrainer(vocab_size=1000, initial_alphabet=alphabet, show_progress=False)
    )
    tokenizer.add_special_tokens([AddedToken(s, normalized=False, special=True) for s in SPECIAL])
    return tokenizer


def load(path):
    return Tokenizer.from_file(path)


def prompt(question, pictures=0, video=False, tokens=0):
    """The chat prompt of one question about `pictures` pictures, or a video, of `tokens` merged patches each."""
    pad = "<|video_pad|>" if video else "<|image_pad|>"
    vision = f"<|vision_start|>{pad * tokens}<|vision_end|>" * (1 if video else pictures)
    return (
        f"<|im_start|>system\n{SYSTEM}<|im_end|>\n"
        f"<|im_start|>user\n{vision}{question}<|im_end|>\n"
        f"<|im_start|>assistant\n"
    )


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="Trains the tokenizer and writes tokenizer.json.")
    parser.add_argument("out")
    train().save(parser.parse_args().out, pretty=False)
