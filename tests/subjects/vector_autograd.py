"""Vectors in, vectors out: what gradient= means."""

import torch

side = torch.tensor([1.0, 2.0, 4.0], requires_grad=True)
height = torch.tensor([3.0, 0.5, 2.0], requires_grad=True)
volume = side**2 * height
volume.backward(gradient=torch.ones(3))
print(side.grad, height.grad)
side.grad, height.grad = None, None

volume = side**2 * height
seed = torch.tensor([1.0, 0.0, 10.0])
volume.backward(seed)
side.grad
weighted = (side.square() * seed).sum()
weighted.backward()
side.grad

matrix = torch.tensor([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]])
image = matrix @ side
jacobian = torch.autograd.functional.jacobian(lambda v: matrix @ v, side.detach())
image.backward(torch.tensor([1.0, 1.0]))
boxed = (side * 2).sum().reshape(1, 1)
boxed.backward()
try:
    (side * 3).backward(torch.ones(2))
except RuntimeError as mismatch:
    print(str(mismatch).split(":")[0])
spin = torch.tensor([1 + 2j, 0.5j], requires_grad=True)
power = (spin * spin.conj()).real.sum()
power.backward()
spin.grad
volume = side * height
volume.backward()
