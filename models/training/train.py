"""Trains the demonstration model and, on the same stream of text, the draft model for speculative decoding.

    python train.py --out out --seconds 1200 [--resume ../]

A step adds the gradients of a batch of scenes, one of signs, one of plain text and, in turn, one of videos, of
pairs of pictures or of counting, and then updates once. Each part is a captured CUDA graph, because the models are
so small that launching their kernels one by one would take far longer than running them.
"""

import argparse
import json
import math
import multiprocessing
import os
import queue
import random
import threading
import time

import torch

import model
import scenes
import tokenizer as chat
from data import CHUNK, Encoder, Ring, Stream, make_buckets
from learner import Learner, read_config

HERE = os.path.dirname(os.path.abspath(__file__))
LOSS_WEIGHTS = {"scene": 0.4, "sign": 0.3, "text": 0.15, "long": 0.05, "video": 0.1, "pair": 0.1}
BUCKET_OF = {"read": "sign", "video": "video", "pair": "pair", "add": "text", "about": "text", "repeat": "text"}
BUCKET_OF |= {"count_to": "long"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder for the checkpoints and the log of scores")
    parser.add_argument("--models", default=os.path.dirname(HERE), help="holds demo-vl and demo-draft: JSON files")
    parser.add_argument("--resume", help="folder whose demo-vl and demo-draft weights to go on from")
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--draft-rate", type=float, default=2e-3)
    parser.add_argument("--easy", type=float, default=0.0, help="opening share with one thing a scene")
    parser.add_argument("--workers", type=int, default=14)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--ring", type=float, default=16, help="gigabytes of pictures kept on the GPU")
    parser.add_argument("--scale", type=float, default=1.0, help="shrinks the batches, for a trial")
    parser.add_argument("--exam-every", type=float, default=120)
    parser.add_argument("--save-every", type=float, default=60)
    parser.add_argument("--draft-only", action="store_true", help="leave the demonstration model as it is")
    parser.add_argument("--no-fuse", action="store_true", help="leave elementwise operations uncompiled")
    parser.add_argument("--device", default="cuda", help="cpu runs without graphs, for a trial")
    return parser.parse_args()


def schedule(progress):
    """A short warm-up, then a cosine down to three hundredths."""
    return min(1.0, progress / 0.02) * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


class Exam:
    """Fresh examples of every kind; a kind's score is the share answered exactly.

    One pass over question and answer suffices: greedy decoding gives the answer exactly if and only if the most
    likely token is right at each of its places.
    """

    def __init__(self, buckets, encoder, device, per_kind=200, seed=991):
        self.device, self.groups = device, []
        rng = random.Random(seed)
        for kind in scenes.KINDS:
            found = {}
            for _ in range(per_kind):
                pictures, question, answer = scenes.sample(rng, kind)
                number = self.bucket_number(buckets, BUCKET_OF.get(kind, "scene"), pictures)
                found.setdefault(number, []).append((pictures, encoder.row(buckets[number], question, answer)))
            for number, rows in found.items():
                pictures = None
                if rows[0][0] is not None:
                    pictures = torch.stack([torch.from_numpy(p) for p, _ in rows])
                columns = [torch.tensor(c) for c in zip(*(row for _, row in rows))]
                self.groups.append((kind, number, pictures, columns))

    @staticmethod
    def bucket_number(buckets, kind, pictures):
        for number, b in enumerate(buckets):
            if b.kind == kind and (pictures is None or (b.frames, *b.grid) == pictures.shape[:3]):
                return number
        raise LookupError(kind)

    @torch.no_grad()
    def score(self, weights, layouts):
        right, total = {}, {}
        for kind, number, pictures, columns in self.groups:
            ids, begin, end = (c.to(self.device) for c in columns)
            pictures = pictures.to(self.device) if pictures is not None else None
            layout = layouts[number]
            guess = layout.logits(weights, pictures, ids, text_angles=layout.angles[0]).argmax(-1)
            labels = layout.labels(ids, begin, end)
            exact = ((guess == labels) | (labels == -100)).all(1)
            right[kind] = right.get(kind, 0) + exact.sum()
            total[kind] = total.get(kind, 0) + len(ids)
        return {k: round(100 * int(right[k]) / total[k], 1) for k in right}


class Steps:
    """The captured parts of a training step, by name."""

    def __init__(self, device):
        self.device, self.graphs, self.functions = device, {}, {}
        self.pool = torch.cuda.graph_pool_handle() if device == "cuda" else None

    def add(self, name, function):
        self.functions[name] = function
        if self.device != "cuda":
            return
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            function()
            function()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool, capture_error_mode="thread_local"):
            function()
        self.graphs[name] = graph

    def run(self, name):
        self.graphs[name].replay() if self.device == "cuda" else self.functions[name]()


def feed(stream, waiting, pin):
    for number, *tensors in stream:
        waiting.put((number, [t.pin_memory() if pin else t for t in tensors]))


def plan(step, rng, numbers):
    """The buckets of a step."""
    grids = rng.choices(range(len(scenes.GRIDS)), list(scenes.GRIDS.values()), k=2)
    chosen = [numbers["scene"][grids[0]], numbers["sign"][grids[1]], numbers["text"][0]]
    chosen.append(rng.choice(numbers["video"]) if step % 2 else numbers["pair"][0])
    if step % 4 == 0:
        chosen.append(numbers["long"][0])
    return chosen


def main():
    args = arguments()
    os.makedirs(args.out, exist_ok=True)
    cuda = args.device == "cuda"
    started = time.time()

    def say(*words):
        print(f"{time.time() - started:7.1f}s", *words, flush=True)

    # The workers fork before the GPU is touched.
    easy = multiprocessing.Value("i", int(args.easy > 0))
    tokenizer_path = os.path.join(args.models, "demo-vl", "tokenizer.json")
    buckets = make_buckets(args.scale)
    source = Stream(buckets, tokenizer_path, args.seed, easy)
    stream = iter(torch.utils.data.DataLoader(source, None, num_workers=args.workers, prefetch_factor=4))

    tokenizer = chat.load(tokenizer_path)
    if not args.draft_only:
        exam = Exam(buckets, Encoder(tokenizer), args.device)
        say("exam drawn")
    if not args.no_fuse:
        model.fuse_elementwise()
    torch.manual_seed(args.seed)
    learners, layouts = {}, {}
    for name in ["demo-draft"] if args.draft_only else ["demo-vl", "demo-draft"]:
        config = read_config(os.path.join(args.models, name))
        learners[name] = Learner(config, args.device, os.path.join(args.resume, name) if args.resume else None)
        layouts[name] = [model.Layout(b, config, tokenizer, args.device) for b in buckets]
    bytes_of = [b.frames * b.grid[0] * b.grid[1] * 3 if b.grid else 0 for b in buckets]
    weight = sum(w for w, n in zip(source.weights, bytes_of) if n)
    rings = []
    for b, share, size in zip(buckets, source.weights, bytes_of):
        count = args.ring * 1e9 * share / weight / size if size else 40_000
        rings.append(Ring(b, max(2, int(count) // CHUNK) * CHUNK, args.device))
    losses = {name: torch.zeros(len(buckets), device=args.device) for name in learners}

    def part(name, number):
        def run():
            layout, learner = layouts[name][number], learners[name]
            loss = layout.loss(learner.weights(), *rings[number].pick())
            learner.backward(loss, LOSS_WEIGHTS[buckets[number].kind])
            losses[name][number].lerp_(loss.detach(), 0.05)

        return run

    steps = Steps(args.device)
    numbers = {}
    for number, b in enumerate(buckets):
        numbers.setdefault(b.kind, []).append(number)
        rings[number].put(*source.chunk(random.Random(number), Encoder(tokenizer), b))
        for name in learners:
            steps.add((name, number), part(name, number))
    for name, learner in learners.items():
        steps.add((name, "update"), learner.update)
        learner.reset()
        losses[name].zero_()
    say(f"captured {len(steps.graphs)} graphs, buckets", {b.name: (b.batch, b.length) for b in buckets})
    if cuda:
        say(f"memory {torch.cuda.max_memory_allocated() / 1e9:.1f} GB")

    waiting = queue.Queue(maxsize=48)
    threading.Thread(target=feed, args=(stream, waiting, cuda), daemon=True).start()

    def save():
        for name, learner in learners.items():
            learner.export(os.path.join(args.out, name), os.path.join(args.models, name), learner.mean)
        if "demo-vl" in learners:
            vl = learners["demo-vl"]
            vl.export(os.path.join(args.out, "last-vl"), os.path.join(args.models, "demo-vl"), vl.master)

    def examine():
        if "demo-vl" not in learners:
            return
        learner = learners["demo-vl"]
        for kind, flat in (("mean", learner.mean), ("last", learner.master)):
            say("exam", kind, exam.score(learner.weights(flat.bfloat16()), layouts["demo-vl"]))

    examine()
    begun = saved = examined = told = time.time()
    rng = random.Random(args.seed)
    step = seen = fresh = 0
    told_at = (0, 0, 0)
    draining = []
    while (elapsed := time.time() - begun) < args.seconds:
        easy.value = int(elapsed < args.easy * args.seconds)
        for _ in range(12):
            try:
                number, tensors = waiting.get_nowait()
            except queue.Empty:
                break
            rings[number].put(*tensors)
            fresh += CHUNK
        factor = schedule(elapsed / args.seconds)
        chosen = plan(step, rng, numbers)
        for name in learners:
            if name == "demo-draft" and step % 3 and not args.draft_only:  # every third: all turns of `plan` in time
                continue
            learners[name].rate.fill_(factor * (args.draft_rate if name == "demo-draft" else args.rate))
            for number in chosen:
                steps.run((name, number))
            steps.run((name, "update"))
        step += 1
        seen += sum(buckets[n].batch for n in chosen)
        if cuda:  # stay at most a few steps ahead of the GPU
            event = torch.cuda.Event()
            event.record()
            draining.append(event)
            if len(draining) > 3:
                draining.pop(0).synchronize()
        now = time.time()
        if now - told > 15:
            rates = [(a - b) / (now - told) for a, b in zip((step, seen, fresh), told_at)]
            means = {}
            for name in losses:
                values = losses[name].tolist()
                means[name] = {k: round(sum(values[i] for i in n) / len(n), 4) for k, n in numbers.items()}
            pace = f"steps/s {rates[0]:.1f} samples/s {rates[1]:.0f} fresh/s {rates[2]:.0f}"
            say(f"step {step} {pace}", means)
            told, told_at = now, (step, seen, fresh)
        if now - examined > args.exam_every:
            examine()
            examined = time.time()
        if now - saved > args.save_every:
            save()
            saved = time.time()
    save()
    examine()
    say(f"done: {step} steps, {seen} samples, {fresh} fresh pictures")
    with open(os.path.join(args.out, "training.json"), "w") as f:
        json.dump({"steps": step, "samples": seen, "drawn": fresh, "seconds": args.seconds}, f)
    os._exit(0)


if __name__ == "__main__":
    main()
