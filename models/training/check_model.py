"""Compares the lean forward pass of model.py with transformers on every bucket shape, in fp32.

    python check_model.py ..
"""

import argparse
import os
import random

import numpy as np
import torch
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2ForCausalLM

import model
import tokenizer as chat
from data import Encoder, make_buckets, picture_and_questions
from evaluate import model_inputs
from learner import Learner, read_config


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", help="folder of demo-vl and demo-draft")
    folder = parser.parse_args().models
    paths = {name: os.path.join(folder, name) for name in ("demo-vl", "demo-draft")}
    vl = Qwen2_5_VLForConditionalGeneration.from_pretrained(paths["demo-vl"], dtype=torch.float32).eval()
    draft = Qwen2ForCausalLM.from_pretrained(paths["demo-draft"], dtype=torch.float32).eval()
    tokenizer = chat.load(os.path.join(paths["demo-vl"], "tokenizer.json"))
    encoder, rng = Encoder(tokenizer), random.Random(1)
    learners = {n: Learner(read_config(p), "cpu", p) for n, p in paths.items()}
    library = vl.model.get_rope_index
    for bucket in make_buckets(0.01):
        drawn = [picture_and_questions(rng, bucket) for _ in range(2)]
        rows = [encoder.row(bucket, *asked[0])[0] for _, asked in drawn]
        ids = torch.tensor(rows)
        pictures = torch.from_numpy(np.stack([p for p, _ in drawn])) if bucket.grid else None
        for name in paths:
            learner = learners[name]
            layout = model.Layout(bucket, learner.config, tokenizer, "cpu")
            turn = layout.angles[0]
            ours = layout.logits(learner.weights(learner.master), pictures, ids, text_angles=turn)
            if name == "demo-vl":
                vl.model.get_rope_index = library
                arrays = [p for p, _ in drawn]
                inputs = model_inputs(vl, bucket, layout.prefix, arrays, rows, torch.float32, released=True)
                theirs = vl(**inputs).logits
            else:
                theirs = draft(input_ids=ids).logits
            error = (ours - theirs[:, layout.begin : -1]).abs().max().item()
            print(f"{bucket.name:16} {name:10} largest difference {error:.1e}")
            assert error < 1e-3
    print("equal")


if __name__ == "__main__":
    main()
