"""Choosing a device, moving tensors and modules, and devices that hold no values."""

import torch

batch = torch.ones(2, 3)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
if torch.cuda.is_available():
    name = "cuda"
    batch = batch.to(name)
else:
    name = "cpu"
print(batch.device, device == torch.device(name))
moved = batch.to(device)
stayed = moved.to("cpu")
stayed is moved, moved is batch

shapes_only = batch.to("meta")
part = shapes_only[:, 1:]
product = part @ torch.empty(2, 4, device="meta")
leaf = torch.ones(2, requires_grad=True)
travelled = leaf.to("meta")
travelled.is_leaf

net = torch.nn.Linear(3, 2)
same_net = net.to(device)
net is same_net
hollow = torch.nn.Linear(3, 2).to("meta")
weight = hollow.weight
with torch.device("meta"):
    planned = torch.zeros(1000, 1000)
try:
    shapes_only + batch
except (RuntimeError, NotImplementedError) as problem:
    print(type(problem).__name__)
shapes_only.to("cpu")
