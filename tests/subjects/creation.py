"""Making tensors: from lists, from arrays (copied or shared), from constructors."""

import numpy as np
import torch

table = [[8, 1], [2, 5], [4, 4]]
copied = torch.tensor(table)
floats = torch.FloatTensor(table)
whole = torch.LongTensor([1, 2, 3])

single = np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)
shared = torch.from_numpy(single)
legacy = torch.FloatTensor(single)
asked = torch.as_tensor(single)
apart = torch.tensor(single)
single[0, 0] = 7
print(shared[0, 0].item(), legacy[0, 0].item(), asked[0, 0].item(), apart[0, 0].item())

double = np.arange(4.0)
narrowed = torch.Tensor(double)
bridge = torch.from_numpy(double)
back = bridge.numpy()
back += 1
bridge

empty = torch.empty(0, 3)
size = torch.Tensor(5).shape
scalar = torch.tensor(5)
zeros = torch.zeros(2, 4)
ones = torch.ones_like(zeros, dtype=torch.int16)
like_turned = torch.zeros_like(zeros.t())
torch.manual_seed(3)
uniform = torch.rand(size=(2, 2))
normal = torch.randn(3)
drawn = torch.randint(4, (2, 3))
filled = torch.full((2,), 0.5)
steps = torch.arange(0, 10, 3)
eye = torch.eye(3)
even = torch.linspace(0, 1, 5)
eye, steps, drawn
