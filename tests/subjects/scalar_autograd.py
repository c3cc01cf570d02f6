"""The derivative of one number: requires_grad, backward, .grad, and resetting it."""

import torch

speed = torch.tensor(3.0, requires_grad=True)
offset = torch.tensor(7.0)
before = speed * 2
energy = 0.5 * speed**2 + offset
print(speed.grad, energy)
energy.backward()
speed.grad
again = torch.exp(speed - 3)
again.backward()
total = speed.grad.clone()
held = speed.grad
speed.grad.zero_()
held
speed.grad = None
(direct,) = torch.autograd.grad(speed.sin(), speed)
print(speed.grad, direct)
curve = speed**3
(slope,) = torch.autograd.grad(curve, speed, create_graph=True)
slope.backward()
speed.grad
late = torch.tensor([1.0, 2.0])
untracked = late * 2
late.requires_grad_()
tracked = late * 2
untracked.requires_grad, tracked.requires_grad
tracked.sum().backward()
late.grad
