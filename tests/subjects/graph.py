"""The computational graph: leaves, retain_grad, detach, no_grad, freed buffers, in-place changes."""

import torch

weight = torch.tensor([[0.5, -1.0], [2.0, 0.25]], requires_grad=True)
hidden = weight.pow(2)
shifted = hidden + 1
score = shifted.mean()
hidden.retain_grad()
node = score.grad_fn
print(node.name(), [type(f).__name__ for f, _ in node.next_functions])
score.backward()
hidden.grad
shifted.grad
weight.is_leaf, hidden.is_leaf, shifted.retains_grad

cut = hidden.detach()
cut.requires_grad
cut[0, 0] = 100
half_tracked = hidden * cut
data = weight.data
with torch.no_grad():
    quiet = weight * 3
    weight -= 0.1
    fresh = torch.zeros(2, requires_grad=True)
with torch.inference_mode():
    fast = weight + 1
linear = (weight + 5).sum()
linear.backward(retain_graph=True)
linear.backward()
branches = [weight.sin().sum(), weight.cos().sum()]
joint = torch.stack(branches).sum()
view_of_leaf = weight.detach().view(-1)
state = torch.zeros(2)
for step in range(3):
    state = (weight @ state + step).tanh()
mixed = state * 2
mixed.mul_(3)
frozen_copy = mixed.clone().detach().requires_grad_()
quiet.sum().requires_grad
score.backward()
