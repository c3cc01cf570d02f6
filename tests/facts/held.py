"""Objects of every kind that hold tensors, as if they had been written in the learner's own file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from facts.truth import Followed
from torch import nn


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclass
class Record:
    logits: Any = None
    hidden: Any = None
    more: Any = field(default_factory=list)


@dataclass(slots=True)
class Slotted:
    image: Any
    mask: Any


class Trainer:
    def __init__(self, history: Any) -> None:
        self.history = history
        self._mean = torch.zeros(1)
        self.rate = 0.1


class Sparse:
    __slots__ = ("bias", "weight")


class Child(Sparse):
    pass


class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(1, 1, bias=False)
        self.mask = torch.ones(1)
        self.seen = [torch.zeros(1)]


MINE = (Trainer, Sparse, Child, Masked)
for each in MINE:  # as if they had been written in the learner's own file
    each.__module__ = "__main__"


def names(f: Followed) -> list[str]:
    return list(f.snapshot.tensors)
