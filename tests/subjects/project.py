"""Bits of a project: a registry of classes, settings, a trainer, checkpoints of state_dict."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import torch
from torch import nn

MODELS: dict[str, type[nn.Module]] = {}


def register(name):
    def add(cls):
        MODELS[name] = cls
        return cls

    return add


@register("tiny")
class Tiny(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, width), nn.Linear(width, 1)])

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return x


@dataclass
class Settings:
    model: str = "tiny"
    arguments: dict[str, int] = field(default_factory=lambda: {"width": 3})
    seed: int = 4


settings = Settings()
torch.manual_seed(settings.seed)
model = MODELS[settings.model](**settings.arguments)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
loss = model(torch.ones(5, 2)).sum() + 1
loss.backward()
optimizer.step()
weight = model.layers[0].weight
state = model.state_dict()
kept = state["layers.0.weight"]
kept.data_ptr() == weight.data_ptr()
file = io.BytesIO()
torch.save({"model": state, "optimizer": optimizer.state_dict(), "settings": settings.__dict__}, file)
file.seek(0)
checkpoint = torch.load(file, weights_only=True)
loaded = checkpoint["model"]["layers.0.weight"]
torch.equal(loaded, weight)
other = MODELS["tiny"](width=3)
other.load_state_dict(checkpoint["model"])
if __name__ == "__main__":
    print(sorted(MODELS), settings.seed, len(state))
other.load_state_dict({"layers.0.weight": loaded}, strict=False)
other.load_state_dict({"layers.0.weight": loaded[:1]})
