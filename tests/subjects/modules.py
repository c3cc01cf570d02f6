"""Modules: layers, parameters, buffers, what is registered and what is not."""

import torch
from torch import nn


class Affine(nn.Module):
    """y = x W + b, with a counter that is no parameter."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.matrix = nn.Parameter(torch.full((inputs, outputs), 0.5))
        self.shift = nn.Parameter(torch.zeros(outputs))
        self.plain = torch.ones(outputs)
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, x):
        self.calls += 1
        return x @ self.matrix + self.shift


layer = Affine(3, 2)
[name for name, _ in layer.named_parameters()]
out = layer(torch.ones(4, 3))
matrix, calls = layer.matrix, layer.calls
out.sum().backward()
matrix.grad
linear = nn.Linear(3, 2, bias=False)
weight = linear.weight
with torch.no_grad():
    weight.fill_(0.25)
linear(torch.ones(1, 3))
net = nn.Sequential(Affine(3, 4), nn.ReLU(), nn.Linear(4, 1))
prediction = net(torch.eye(3))
tied = nn.ModuleList([linear, linear])
hidden_list = nn.Module()
hidden_list.layers = [nn.Linear(1, 1)]
print(len(list(hidden_list.parameters())), len(tied), sum(p.numel() for p in net.parameters()))
loose = nn.Parameter(torch.ones(2))
net.eval()
net.training
layer
torch.optim.SGD(hidden_list.parameters(), lr=0.1)
