"""Writes an evaluation set: fresh scenes as PNG files and eval.jsonl with the question and the only right answer.

    python make_eval.py OUT --per-kind 200 --seed 1

Needs PIL and numpy alone. Each line holds `kind`, `request_id`, `messages` (chat content parts whose urls are file
names relative to OUT; a clip is {"type": "video", "video": [frames...], "fps": 2.0}) and `answer`.
"""

import argparse
import json
import os
import random

from PIL import Image

import scenes


def content(folder, name, kind, pictures, question):
    """Saves the pictures and returns the content parts of the user's message."""
    if pictures is None:
        return question
    files = [f"{name}.png"] if len(pictures) == 1 else [f"{name}-{i}.png" for i in range(len(pictures))]
    for file, picture in zip(files, pictures):
        Image.fromarray(picture).save(os.path.join(folder, file))
    if kind == "video":
        parts = [{"type": "video", "video": files, "fps": 2.0}]
    else:
        parts = [{"type": "image_url", "image_url": {"url": file}} for file in files]
    return parts + [{"type": "text", "text": question}]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--per-kind", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="*", default=scenes.KINDS, choices=scenes.KINDS, metavar="KIND")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    with open(os.path.join(args.out, "eval.jsonl"), "w", encoding="utf-8") as lines:
        for kind in args.kinds:
            rng = random.Random(f"{args.seed} {kind}")
            for i in range(args.per_kind):
                pictures, question, answer = scenes.sample(rng, kind)
                name = f"{kind}-{i:04d}"
                message = {"role": "user", "content": content(args.out, name, kind, pictures, question)}
                line = {"kind": kind, "request_id": name, "messages": [message], "answer": answer}
                lines.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
