"""Products of vectors, matrices and batches: dot, mv, mm, bmm, matmul, broadcasting."""

import torch

price = torch.tensor([3.0, 1.0, 2.0])
amount = torch.tensor([1.0, 4.0, 0.5])
total = price.dot(amount)
total.item()
weights = torch.arange(6.0).reshape(2, 3)
scores = weights.mv(price)
inputs = torch.arange(12.0).view(3, 4)
out = weights.mm(inputs)
same = weights @ inputs
also = torch.matmul(weights, inputs)
print(torch.equal(out, same), torch.equal(out, also))

batch = torch.ones(5, 2, 3)
others = torch.ones(5, 3, 4)
pairs = torch.bmm(batch, others)
spread = batch @ price
mixed = torch.ones(4, 1, 2, 3) @ torch.ones(7, 3, 5)
looped = torch.stack([batch[i].mm(price.unsqueeze(1)) for i in range(5)])
spread.shape, mixed.shape, looped.shape
outer = price[:, None] * amount
summed = torch.einsum("bij,bjk->bik", batch, others)
pairs.allclose(summed)
column = torch.zeros(4, 1)
surprise = torch.arange(4.0) - column
loss = torch.nn.functional.mse_loss(torch.arange(4.0), column)
for attempt in (lambda: batch.mm(price), lambda: weights.dot(price), lambda: weights @ weights):
    try:
        attempt()
    except RuntimeError as problem:
        print(problem)
weights @ inputs.double()
