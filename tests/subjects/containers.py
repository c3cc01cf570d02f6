"""Tensors in lists, dictionaries, tuples and dataclasses, under other names and behind views."""

from dataclasses import dataclass

import torch
from torch import nn

pixels = torch.arange(12.0).reshape(3, 4)
batch = {"pixels": pixels, "row": pixels[1], "label": torch.tensor([0, 2, 1]), "size": 3}
row = batch["row"]
batch["row"][0] = 9
batch["label"] = batch["label"].to(torch.float32)
first, *rest = pixels.unbind()
rows = list(pixels.unbind(0))
rows.append(rows[0][:2])
corner = rows[-1]
rows[0] = torch.zeros(4)
corner.add_(1)
layers = [nn.Linear(4, 3), nn.Linear(3, 1)]
weight = layers[0].weight
hidden = torch.relu(layers[0](pixels))
outputs = {"hidden": hidden, "score": layers[1](hidden)}
score = outputs["score"]
loss = (score.squeeze(1) - batch["label"]).pow(2).mean()
history = [loss.detach()]
loss.backward()
grads = [p.grad for layer in layers for p in layer.parameters()]
grad = grads[0]
top = torch.topk(score.squeeze(1), 2)
best = top.values
free = [torch.ones(2, requires_grad=True) for _ in range(3)]
total = torch.stack(free).sum() + free[0].prod()


@dataclass
class Output:
    logits: torch.Tensor
    extra: dict


out = Output(score, {"hidden": hidden})
logits = out.logits
batch.update(logits=logits, row=None)
del rows[1:]
many = [torch.full((1,), float(n)) for n in range(200)]
last = many[-1]
many.clear()
batch = None
print(len(rows), last)
