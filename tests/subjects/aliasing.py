"""Names, views and in-place writes: who sees a fill_, and what rebinding does."""

import numpy as np
import torch

seats = torch.zeros(2, 3)
alias = seats
flat = seats.view(6)
flipped = seats.t()
copied = seats.t().reshape(6)
cloned = seats.clone()
flat.fill_(4)
print(seats, copied)
seats = seats + 1
alias is seats, alias._version
alias += 1
alias *= 2
flipped[0] = -1
alias, flat = flat, alias


def clear(rows):
    rows *= 0
    return rows


result = clear(flat)
result is flat
spread = torch.ones(1, 4).expand(3, 4)
spread[0, 0] = 5
spread
try:
    spread.add_(1)
except RuntimeError as problem:
    print(type(problem).__name__)
array = np.ones(4, dtype=np.float32)
tail = array[2:]
mirror = torch.from_numpy(array)
array[:] = 8
mirror.add_(1)
tail
odd, even = mirror[::2], mirror[1::2]
del mirror, array
odd.data.zero_()
swap = torch.ones(2)
swap.data = odd
other = torch.empty(0)
other.set_(even)
even.storage_offset(), other.untyped_storage().nbytes()
tail
