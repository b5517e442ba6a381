"""Measures a checkpoint with plain transformers: greedy decoding, exact match.

    python evaluate.py ../demo-vl EVAL --dtype float32

EVAL is a folder of make_eval.py or the folder of sample prompts. Positions after a video follow the rule the
architecture was released with, unless --library-positions asks for the one of transformers 5. With --one-pass the
model reads question and answer together and the answer counts if every token of it is the most likely one, which
is when greedy decoding gives just that answer; it takes a small part of the time.
"""

import argparse
import json
import os

import numpy as np
import torch
from PIL import Image
from transformers import Qwen2_5_VLForConditionalGeneration

import model
import scenes
import tokenizer as chat
from data import Bucket


def read_requests(folder):
    """Yields (kind, request_id, messages, answer)."""
    path = os.path.join(folder, "eval.jsonl")
    if os.path.exists(path):
        for line in open(path, encoding="utf-8"):
            r = json.loads(line)
            yield r["kind"], r["request_id"], r["messages"], r["answer"]
        return
    expected = json.load(open(os.path.join(folder, "expected.json"), encoding="utf-8"))
    for line in open(os.path.join(folder, "prompts.jsonl"), encoding="utf-8"):
        r = json.loads(line)
        yield r["request_id"], r["request_id"], r["messages"], expected[r["request_id"]]


def read_picture(path):
    return np.asarray(Image.open(path).convert("RGB"))


def read_clip(path, fps=2.0):
    """Frames of a video file, evenly spread from the first to the last."""
    import cv2

    capture = cv2.VideoCapture(path)
    rate, frames = capture.get(cv2.CAP_PROP_FPS), []
    while True:
        more, frame = capture.read()
        if not more:
            break
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))
    count = max(2, int(len(frames) / rate * fps) // 2 * 2)
    return [frames[i] for i in np.linspace(0, len(frames) - 1, count).round().astype(int)]


def open_content(folder, content):
    """Returns (kind of pictures or None, frames as an array or None, text)."""
    if isinstance(content, str):
        return None, None, content
    text = "".join(p["text"] for p in content if p["type"] == "text")
    clips = [p for p in content if p["type"] in ("video", "video_url")]
    if clips:
        if clips[0]["type"] == "video":
            frames = [read_picture(os.path.join(folder, f)) for f in clips[0]["video"]]
        else:
            frames = read_clip(os.path.join(folder, clips[0]["video_url"]["url"]))
        return "video", np.stack(frames), text
    pictures = [read_picture(os.path.join(folder, p["image_url"]["url"])) for p in content if p["type"] == "image_url"]
    return "pair" if len(pictures) == 2 else "scene", np.stack(pictures), text


def model_inputs(vl, bucket, prefix, pictures, ids, dtype, released):
    """Keyword arguments of generate for prompts of one length about pictures of one size."""
    device = vl.device
    ids = torch.tensor(ids, device=device)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    vl.model.rope_deltas = None
    if not bucket.grid:
        return inputs
    x = torch.from_numpy(np.stack(pictures)).to(device)
    count, video = len(x), bucket.kind == "video"
    x = x.unflatten(1, (-1, 2)).flatten(0, 1) if video else x.flatten(0, 1)[:, None].expand(-1, 2, -1, -1, -1)
    x = model.patches(x, *model.pixel_scale(device), False, torch.float32).flatten(2).flatten(0, 1)
    times = bucket.frames // 2 if video else 1
    grid = torch.tensor([[times, bucket.grid[0] // 14, bucket.grid[1] // 14]] * (count * bucket.pictures)).to(device)
    images, videos = (ids == vl.config.image_token_id).int(), (ids == vl.config.video_token_id).int()
    inputs["mm_token_type_ids"] = images + 2 * videos
    if video:
        inputs |= {"pixel_values_videos": x.to(dtype), "video_grid_thw": grid, "second_per_grid_ts": torch.ones(count)}
    else:
        inputs |= {"pixel_values": x.to(dtype), "image_grid_thw": grid}
    if released:
        positions = model.token_positions(bucket, prefix, ids.shape[1]).to(device)[:, None].expand(-1, count, -1)
        delta = (positions[:, 0].max() + 1 - ids.shape[1]).expand(count, 1)
        vl.model.get_rope_index = lambda *_, **__: (positions, delta)
    return inputs


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("folder")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--one-pass", action="store_true")
    parser.add_argument("--library-positions", action="store_true")
    parser.add_argument("--out", help="writes the scores and the wrong answers as JSON")
    args = parser.parse_args()
    dtype = getattr(torch, args.dtype)
    vl = Qwen2_5_VLForConditionalGeneration.from_pretrained(args.model, dtype=dtype).to(args.device).eval()
    tokenizer = chat.load(os.path.join(args.model, "tokenizer.json"))

    def encode(text):
        return tokenizer.encode(text, add_special_tokens=False).ids

    prefix = len(encode(chat.prompt("").split("<|im_end|>\n<|im_start|>assistant")[0]))
    groups = {}
    for kind, name, messages, answer in read_requests(args.folder):
        assert len(messages) == 1, "one user message is all the model was trained on"
        form, pictures, text = open_content(args.folder, messages[0]["content"])
        bucket = Bucket("text")
        if form:
            bucket = Bucket(form, pictures.shape[1:3], len(pictures))
        ids = encode(chat.prompt(text, bucket.pictures, form == "video", bucket.merged))
        answer_ids = encode(answer) + [tokenizer.token_to_id("<|im_end|>")]
        key = (bucket, len(ids), len(answer_ids) if args.one_pass else 0)
        groups.setdefault(key, []).append((kind, name, ids + answer_ids * args.one_pass, pictures, answer))
    right, total, wrong = {}, {}, []
    library = vl.model.get_rope_index
    for (bucket, length, _), rows in groups.items():
        for at in range(0, len(rows), args.batch):
            part = rows[at : at + args.batch]
            vl.model.get_rope_index = library
            released = not args.library_positions
            ids, pictures = [r[2] for r in part], [r[3] for r in part]
            inputs = model_inputs(vl, bucket, prefix, pictures, ids, dtype, released)
            if args.one_pass:
                out = vl(**inputs).logits[:, length - 1 : -1].argmax(-1)
            else:
                out = vl.generate(**inputs, max_new_tokens=180, do_sample=False)[:, length:]
            for (kind, name, _, _, answer), tokens in zip(part, out.tolist()):
                said = tokenizer.decode(tokens, skip_special_tokens=True)
                total[kind] = total.get(kind, 0) + 1
                right[kind] = right.get(kind, 0) + (said == answer)
                if said != answer:
                    wrong.append({"request_id": name, "expected": answer, "said": said})
    kinds = sorted(total, key=lambda k: (scenes.KINDS + [k]).index(k))
    scores = {k: round(100 * right[k] / total[k], 1) for k in kinds}
    for w in wrong[:: max(1, len(wrong) // 12)]:
        print("wrong:", json.dumps(w, ensure_ascii=False))
    print(args.model, args.dtype, "library" if args.library_positions else "released", json.dumps(scores), flush=True)
    if args.out:
        with open(args.out, "w", encoding="utf-8") as f:
            json.dump({"scores": scores, "wrong": wrong}, f, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    main()
