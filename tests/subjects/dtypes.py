"""Element types: defaults, promotion, conversion, and what integers refuse."""

import numpy as np
import torch

integers = torch.arange(4)
floats = torch.arange(4.0)
from_python = torch.tensor([True, False])
from_numpy = torch.from_numpy(np.zeros(2))
integers.dtype, floats.dtype, from_python.dtype, from_numpy.dtype

raised = integers + 1.5
divided = integers / 2
floored = integers // 2
same = integers.to(torch.int64)
print(same is integers)
halved = floats.half()
wide = floats.double()
brain = floats.to(torch.bfloat16)
bits = (floats > 1).type(torch.uint8)
imaginary = torch.complex(floats, -floats)
real_part = imaginary.real
reinterpreted = floats.view(torch.int32)
hits = floats > 1
share = hits.float().mean()
print(floats.itemsize, floats.nbytes, floats.ndim, share.item())
torch.set_default_dtype(torch.float64)
precise = torch.tensor([0.1])
torch.set_default_dtype(torch.float32)
big = torch.tensor(2**24 + 1).float()
int(big)
try:
    torch.tensor([1, 2], requires_grad=True)
except RuntimeError as refusal:
    print(refusal)
integers.add_(1.5)
