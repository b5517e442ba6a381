"""Batches of equal shape: what a bucket holds, the workers that fill it and the ring it is kept in on the GPU.

Every training step replays captured CUDA graphs, so shapes must not change. A bucket is therefore one kind of
question at one picture size, with a fixed batch size and sequence length. CPU workers draw and tokenize; the GPU
keeps the latest samples of each bucket in a ring and picks its batches from there.
"""

import random
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

import scenes
import tokenizer as chat

CHUNK = 64  # samples a worker hands over at once
SCENE_TASKS = {"caption": 24, "caption_zh": 14, "detail": 26, "count": 22, "color": 14}
TEXT_TASKS = {"add": 52, "repeat": 33, "about": 8, "about_zh": 7}


@dataclass(frozen=True)
class Bucket:
    """`kind` is scene, sign, video, pair, text or long (counting to n); `grid` the pictures' (height, width)."""

    kind: str
    grid: tuple = None
    frames: int = 1
    batch: int = 0
    length: int = 0  # tokens, padded
    questions: int = 1  # kept per picture

    @property
    def merged(self):
        """Tokens of one picture or, for a video, of the whole clip."""
        if not self.grid:
            return 0
        pictures = self.frames // 2 if self.kind == "video" else 1
        return (self.grid[0] // 28) * (self.grid[1] // 28) * pictures

    @property
    def pictures(self):
        return 0 if not self.grid else 2 if self.kind == "pair" else 1

    @property
    def name(self):
        size = f"-{self.grid[0]}x{self.grid[1]}" if self.grid else ""
        return self.kind + size + (f"-{self.frames}" if self.kind == "video" else "")


def make_buckets(scale=1.0):
    """All buckets; `scale` shrinks the batches for a trial run on a small machine.

    `room` and `answer` are the most tokens a question and its answer take, `cost` the batch's size in tokens, with
    a patch counted as half a token.
    """

    def bucket(kind, room, answer, cost, grid=None, frames=1, questions=1):
        empty = Bucket(kind, grid, frames)
        tokens = 19 + empty.pictures * (empty.merged + 2) + room + answer + 1  # 19 frame the chat, one ends it
        length = -(-tokens // 8) * 8
        patches = 4 * empty.merged * empty.pictures
        batch = max(8, int(scale * cost / (length + patches / 2)) // 8 * 8)
        return Bucket(kind, grid, frames, batch, length, questions)

    found = [bucket("scene", 8, 33, 45_000, grid, questions=4) for grid in scenes.GRIDS]
    found += [bucket("sign", 6, 10, 45_000, grid, questions=2) for grid in scenes.GRIDS]
    found += [bucket("video", 6, 12, 20_000, (112, 112), frames, questions=2) for frames in scenes.VIDEO_FRAMES]
    found += [bucket("pair", 6, 20, 20_000, (112, 112), frames=2, questions=2)]
    found += [bucket("text", 10, 22, 16_000), bucket("long", 9, 150, 12_000)]
    return found


class Encoder:
    """Turns a question and its answer into token ids."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.end = tokenizer.token_to_id("<|im_end|>")
        self.pad = tokenizer.token_to_id("<|endoftext|>")
        self.prompt = lru_cache(maxsize=50_000)(self._prompt)
        self.answer = lru_cache(maxsize=50_000)(self._answer)

    def _prompt(self, bucket, question):
        text = chat.prompt(question, bucket.pictures, bucket.kind == "video", bucket.merged)
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def _answer(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids + [self.end]

    def row(self, bucket, question, answer, length=None):
        """Padded ids, where the answer begins and where it ends."""
        prompt, answer = self.prompt(bucket, question), self.answer(answer)
        end = len(prompt) + len(answer)
        length = length or bucket.length
        assert end <= length, (bucket.name, question, end, length)
        return prompt + answer + [self.pad] * (length - end), len(prompt), end


def scene_questions(rng, w, h, n, easy):
    """A picture with several things and n questions about it."""
    things = scenes.arrange(rng, w, h, 1 if easy else scenes.how_many(rng))
    if not easy and rng.random() < 0.3:
        scenes.same_shape(things)
    weights = {"caption": 50, "caption_zh": 15, "color": 35} if easy else SCENE_TASKS
    asked = []
    while len(asked) < n:
        task = rng.choices(list(weights), list(weights.values()))[0]
        found = scenes.ask(rng, task, things, w, h)
        if found:
            asked.append(found)
    return scenes.render(rng, w, h, things, noise=False)[None], asked


def picture_and_questions(rng, bucket, easy=False):
    if bucket.kind == "text":
        task = rng.choices(list(TEXT_TASKS), list(TEXT_TASKS.values()))[0]
        return None, [scenes.text_sample(rng, task)[1:]]
    if bucket.kind == "long":
        return None, [scenes.text_sample(rng, "count_to")[1:]]
    h, w = bucket.grid
    if bucket.kind == "scene":
        return scene_questions(rng, w, h, bucket.questions, easy)
    if bucket.kind == "sign":
        pictures, _, answer = scenes.sign_sample(rng, w, h, noise=False)
        return pictures, [(q, answer) for q in rng.sample(scenes.READ, bucket.questions)]
    if bucket.kind == "video":
        pictures, _, answer = scenes.video_sample(rng, w, h, bucket.frames, noise=False)
        return pictures, [(q, answer) for q in rng.sample(scenes.VIDEO, bucket.questions)]
    pictures, _, answer = scenes.pair_sample(rng, w, h, noise=False)
    return pictures, [(q, answer) for q in rng.sample(scenes.COMPARE, bucket.questions)]


class Stream(torch.utils.data.IterableDataset):
    """Endless chunks of fresh samples: (bucket number, pictures or nothing, ids, begin, end)."""

    SHARES = {"scene": 100, "sign": 100, "video": 12, "pair": 25, "text": 30, "long": 10}

    def __init__(self, buckets, tokenizer_path, seed, easy):
        self.buckets, self.tokenizer_path, self.seed, self.easy = buckets, tokenizer_path, seed, easy
        kinds = [b.kind for b in buckets]
        self.weights = []
        for b in buckets:
            share = self.SHARES[b.kind]
            if b.kind in ("scene", "sign"):
                share *= scenes.GRIDS[b.grid] / sum(scenes.GRIDS.values())
            else:
                share /= kinds.count(b.kind)
            self.weights.append(share)

    def __iter__(self):
        info = torch.utils.data.get_worker_info()
        worker = info.id if info else 0
        torch.set_num_threads(1)
        rng = random.Random(self.seed * 1000 + worker)
        encoder = Encoder(chat.load(self.tokenizer_path))
        first = [i for i in range(len(self.buckets)) if i % (info.num_workers if info else 1) == worker]
        while True:  # every bucket once, so that none starts empty; then by weight
            n = first.pop() if first else rng.choices(range(len(self.buckets)), self.weights)[0]
            yield n, *self.chunk(rng, encoder, self.buckets[n])

    def chunk(self, rng, encoder, bucket):
        pictures, ids, begin, end = [], [], [], []
        for _ in range(CHUNK):
            picture, asked = picture_and_questions(rng, bucket, bool(self.easy.value))
            rows = [encoder.row(bucket, q, a) for q, a in asked]
            ids.append([r[0] for r in rows])
            begin.append([r[1] for r in rows])
            end.append([r[2] for r in rows])
            if picture is not None:
                pictures.append(picture)
        pictures = torch.from_numpy(np.stack(pictures)) if pictures else torch.empty(0, dtype=torch.uint8)
        return pictures, *(torch.tensor(x, dtype=torch.int16) for x in (ids, begin, end))


class Ring:
    """The latest samples of one bucket, on the GPU."""

    def __init__(self, bucket, capacity, device):
        self.bucket, self.capacity, self.device = bucket, capacity, device
        self.position = self.seen = 0
        k = bucket.questions
        self.filled = torch.zeros((), device=device)
        self.ids = torch.zeros(capacity, k, bucket.length, dtype=torch.int16, device=device)
        self.begin = torch.zeros(capacity, k, dtype=torch.int16, device=device)
        self.end = torch.zeros(capacity, k, dtype=torch.int16, device=device)
        self.pictures = None
        if bucket.grid:
            shape = (capacity, bucket.frames, *bucket.grid, 3)
            self.pictures = torch.zeros(shape, dtype=torch.uint8, device=device)

    def put(self, pictures, ids, begin, end):
        part = slice(self.position, self.position + len(ids))
        self.ids[part].copy_(ids, non_blocking=True)
        self.begin[part].copy_(begin, non_blocking=True)
        self.end[part].copy_(end, non_blocking=True)
        if self.pictures is not None:
            self.pictures[part].copy_(pictures, non_blocking=True)
        self.seen += len(ids)
        self.position = (self.position + len(ids)) % self.capacity
        self.filled.fill_(float(min(self.seen, self.capacity)))

    def pick(self):
        """A random batch: pictures (uint8), ids, begin, end. Runs inside a captured graph."""
        b = self.bucket
        row = (torch.rand(b.batch, device=self.device) * self.filled).long().clamp_(max=self.capacity - 1)
        question = (torch.rand(b.batch, device=self.device) * b.questions).long().clamp_(max=b.questions - 1)
        pictures = self.pictures[row] if self.pictures is not None else None
        return pictures, *(t[row, question].long() for t in (self.ids, self.begin, self.end))
