"""Flat parameters with AdamW and an averaged copy, all updates free of host synchronisation."""

import json
import os
import shutil

import torch
from safetensors.torch import load_file, save_file

from model import initial_weights, parameter_shapes


class Learner:
    """One model in training.

    The weights live in one flat fp32 tensor; forward passes use its bf16 copy, so that what is trained is what is
    exported. Gradients of several batches add up in `grad` until `update`.
    """

    def __init__(self, config, device, folder=None, decay=0.05, betas=(0.9, 0.95), average=0.999):
        self.config, self.decay, self.betas, self.average = config, decay, betas, average
        self.shapes = parameter_shapes(config)
        self.sizes = [torch.Size(s).numel() for s in self.shapes.values()]
        weights = load_file(os.path.join(folder, "model.safetensors")) if folder else initial_weights(config)
        assert set(weights) == set(self.shapes), set(weights) ^ set(self.shapes)
        for name, shape in self.shapes.items():
            assert tuple(weights[name].shape) == tuple(shape), name
        self.master = torch.cat([weights[n].float().flatten() for n in self.shapes]).to(device)
        self.half = self.master.bfloat16().requires_grad_()
        self.grad, self.first, self.second = (torch.zeros_like(self.master) for _ in range(3))
        self.mean = self.master.clone()
        decays = [torch.full((n,), float(len(s) > 1)) for n, s in zip(self.sizes, self.shapes.values())]
        self.decays = torch.cat(decays).to(device) * decay
        self.rate = torch.zeros((), device=device)
        self.steps = torch.zeros((), device=device)
        self.norm = torch.zeros((), device=device)

    def weights(self, flat=None):
        flat = self.half if flat is None else flat
        return {n: p.view(s) for (n, s), p in zip(self.shapes.items(), flat.split(self.sizes))}

    def backward(self, loss, weight):
        (gradient,) = torch.autograd.grad(loss * weight, self.half)
        self.grad.add_(gradient)

    @torch.no_grad()
    def update(self):
        """AdamW with the gradient's norm clipped to one; a gradient that is not finite is left out."""
        one, two = self.betas
        self.norm.copy_(self.grad.norm())
        factor = torch.where(self.norm.isfinite(), (1 / (self.norm + 1e-6)).clamp(max=1), 0)
        gradient = torch.nan_to_num(self.grad, 0, 0, 0) * factor
        self.steps.add_(1)
        self.first.lerp_(gradient, 1 - one)
        self.second.mul_(two).addcmul_(gradient, gradient, value=1 - two)
        step = (self.first / (1 - one**self.steps)) / ((self.second / (1 - two**self.steps)).sqrt() + 1e-8)
        self.master.sub_(self.rate * (step + self.decays * self.master))
        self.half.copy_(self.master)
        keep = torch.clamp((1 + self.steps) / (10 + self.steps), max=self.average)
        self.mean.add_((1 - keep) * (self.master - self.mean))
        self.grad.zero_()

    def reset(self):
        """Back to the start after the trial steps that precede a graph's capture."""
        for tensor in (self.grad, self.first, self.second, self.steps):
            tensor.zero_()
        self.master.copy_(self.mean)
        with torch.no_grad():
            self.half.copy_(self.master)

    def export(self, folder, template, flat):
        """Writes a bf16 checkpoint; the JSON files come from the `template` folder."""
        os.makedirs(folder, exist_ok=True)
        weights = {n: w.detach().bfloat16().cpu().contiguous() for n, w in self.weights(flat).items()}
        path = os.path.join(folder, "model.safetensors")
        save_file(weights, path + ".part", metadata={"format": "pt"})
        os.chmod(path + ".part", 0o644)
        os.replace(path + ".part", path)
        for name in os.listdir(template):
            if name.endswith(".json"):
                shutil.copyfile(os.path.join(template, name), os.path.join(folder, name))


def read_config(folder):
    with open(os.path.join(folder, "config.json")) as f:
        return json.load(f)
