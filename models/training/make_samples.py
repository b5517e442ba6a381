"""Writes the sample prompts: pictures, a clip, prompts.jsonl and expected.json.

    python make_samples.py ../samples

Needs PIL, numpy and the ffmpeg program (with libx264) for the clip.
"""

import argparse
import json
import os
import random
import subprocess
import tempfile

from PIL import Image

import scenes

CLIP_SECONDS, CLIP_RATE = 4, 8


def things_of(rng, w, h, n, suits=lambda things: True):
    while True:
        things = scenes.arrange(rng, w, h, n)
        if len(things) == n and suits(things):
            return things


def picture_part(name):
    return {"type": "image_url", "image_url": {"url": name}}


def write_clip(path, frames):
    """Encodes frames as H.264 with the ffmpeg program."""
    with tempfile.TemporaryDirectory() as folder:
        for i, frame in enumerate(frames):
            Image.fromarray(frame).save(os.path.join(folder, f"{i:03d}.png"))
        command = ["ffmpeg", "-v", "error", "-y", "-framerate", str(CLIP_RATE), "-i", os.path.join(folder, "%03d.png")]
        command += ["-c:v", "libx264", "-crf", "12", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
        subprocess.run(command + ["-fflags", "+bitexact", path], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    rng = random.Random(args.seed)
    requests, expected = [], {}

    def save(name, picture, **options):
        Image.fromarray(picture).save(os.path.join(args.out, name), **options)
        return picture_part(name)

    def add(request_id, parts, question, answer, max_tokens=64):
        content = parts + [{"type": "text", "text": question}] if parts else question
        messages = [{"role": "user", "content": content}]
        request = {"request_id": request_id, "messages": messages, "max_tokens": max_tokens, "temperature": 0}
        requests.append(request)
        expected[request_id] = answer

    def draw(w, h, things, noise=False):
        return scenes.render(rng, w, h, things, noise=noise)

    w, h = 224, 168
    things = things_of(rng, w, h, 2)
    add("caption-en", [save("two-shapes.png", draw(w, h, things))], "Describe this image.", scenes.caption(things))
    w, h = 224, 224
    things = things_of(rng, w, h, 3)
    part = save("three-shapes.jpg", draw(w, h, things), quality=95, subsampling=0)
    add("caption-jpeg", [part], "What do you see?", scenes.caption(things))
    w, h = 168, 112
    things = things_of(rng, w, h, 2)
    part = save("noisy.png", draw(w, h, things, noise=True))
    add("caption-zh", [part], "描述这张图片。", scenes.caption_zh(things))
    w, h = 252, 196
    things = things_of(rng, w, h, 3, lambda t: scenes.clear_of_grid_lines(t, w, h))
    part = save("places.png", draw(w, h, things))
    add("detail", [part], "Describe this image in detail.", scenes.detail(things, w, h))
    w, h = 140, 140
    things = things_of(rng, w, h, 3)
    scenes.same_shape(things[:2])
    shape = things[0].shape
    question = f"How many {scenes.plural(shape)} are there?"
    add("count", [save("some-alike.png", draw(w, h, things))], question, scenes.count_answer(things, shape), 16)
    picture = scenes.render(rng, 168, 112, sign="PARK7", noise=False)
    add("read", [save("sign.png", picture)], "What does the sign say?", "The text says PARK7.", 16)

    ball = scenes.Thing(0, 0, 19, "large", "red", "circle", (214, 46, 44))
    background = scenes.draw_background(rng, 112, 112)
    frames = []
    for ball.x, ball.y in scenes.trajectory(ball, 112, 112, "left to right", 0.2, CLIP_SECONDS * CLIP_RATE):
        frames.append(scenes.render(rng, 112, 112, [ball], background=background, noise=False))
    write_clip(os.path.join(args.out, "ball.mp4"), frames)
    part = {"type": "video_url", "video_url": {"url": "ball.mp4"}}
    add("video", [part], "What happens in the video?", scenes.moves(ball, "left to right"))

    parts, sentences = [], []
    for number, name in enumerate(("left.png", "right.png"), 1):
        things = things_of(rng, 112, 112, 1)
        parts.append(save(name, draw(112, 112, things)))
        sentences.append(f"Picture {number} shows {scenes.article(scenes.describe(things[0]))}.")
    add("two-pictures", parts, "Compare the two pictures.", " ".join(sentences))
    add("about-en", None, "Who are you?", scenes.ABOUT)
    add("about-zh", None, "你是谁?", scenes.ABOUT_ZH)

    with open(os.path.join(args.out, "prompts.jsonl"), "w", encoding="utf-8") as f:
        f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in requests)
    with open(os.path.join(args.out, "expected.json"), "w", encoding="utf-8") as f:
        json.dump(expected, f, ensure_ascii=False, indent=2)
        f.write("\n")


if __name__ == "__main__":
    main()
