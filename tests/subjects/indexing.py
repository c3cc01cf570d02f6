"""Indexing: slices are views, lists and masks are copies, assignment writes in place."""

import torch

grid = torch.arange(20).reshape(4, 5)
row = grid[1]
rows = grid[1:3]
corner = grid[:2, 3:]
column = grid[:, 0]
every_other = grid[::2, ::2]
last = grid[..., -1]
inserted = grid[:, None]
one = grid[2, 2]
listed = grid[[0, 2]]
pairs = grid[[0, 1], [1, 2]]
mask = grid % 3 == 0
chosen = grid[mask]
flat = grid.flatten()
array = grid.numpy()

grid[0] = -1
row[1:3] = 50
listed[0, 0] = 9
chosen.zero_()
array[3, 3] = 77
grid[grid > 60] = 60
print(grid)
column.tolist(), one.item()

taken = grid.index_select(1, torch.tensor([4, 0]))
gathered = grid.gather(1, torch.tensor([[0], [1], [2], [3]]))
narrowed = grid.narrow(0, 1, 2)
where = torch.where(mask, grid, torch.zeros_like(grid))
del row, rows
try:
    grid[::-1]
except ValueError as refusal:
    print(refusal)
grid[4]
