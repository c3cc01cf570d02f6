"""Batches of a DataLoader: the odd last one, and loaders to judge a model by."""

from __future__ import annotations

import ast

from tutor.explain.engine import outcome
from tutor.explain.past import Past
from tutor.explain.reading import parse, path
from tutor.explain.wording import fill
from tutor.facts import Explanation, Snapshot, Step

_LAST_TITLE = "The last batch is smaller: {last} instead of {first}"
_LAST = """
`{name}` was {first_shape} in the first round and {last_shape} in the last: the samples do not divide
evenly into batches. Code that counts on a fixed size, or averages the batches' means as if all weighed
the same, goes a little wrong there. `drop_last=True` leaves such a batch out, which is for training only.
"""


@outcome
def last_batch(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a loop over a DataLoader ended with fewer samples under a name than it began with."""
    for root in parse(step.source):
        loader = isinstance(root, ast.For) and any("DataLoaderIter" in op.within for op in step.operations)
        if not isinstance(root, ast.For) or not loader:
            continue
        targets = [path(one) for one in ast.walk(root.target) if isinstance(one, ast.Name)]
        for name in filter(None, targets):
            last = step.snapshot.tensors.get(name)
            seen = [one.shape for op in step.operations for one in op.ins if one.name == name and one.shape]
            if last is None or not last.shape or not seen or len(seen[0]) != len(last.shape):
                continue
            first = seen[0]
            if last.shape[0] < first[0] and last.shape[1:] == first[1:]:
                title = fill(_LAST_TITLE, last=last.shape[0], first=first[0])
                text = fill(_LAST, name=name, first_shape=list(first), last_shape=list(last.shape))
                return Explanation("last-batch", "note", title, text, None, (name,))
    return None


_JUDGING = ("val", "test", "eval", "dev")
_LOADER_TITLE = "`{name}` {what}"
_LEAVES_OUT = "leaves out the last samples"
_SHUFFLES = "shuffles what the model is judged by"
_SHUFFLED = """
A loader to judge a model by needs no `shuffle=True`: the order changes no result, and without it the same
sample stands at the same place each time, which helps to look at single ones.
"""
_DROPPED = """
`drop_last=True` leaves out the samples of the last batch where it is not full, so the model is judged
without them. For evaluation leave it away.
"""


@outcome
def judging_loader(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a DataLoader, by its name for validation or test, shuffles or drops the last batch."""
    if step.error is not None:
        return None
    for root in parse(step.source):
        call = root.value if isinstance(root, ast.Assign) else None
        if not isinstance(call, ast.Call) or not (path(call.func) or "").endswith("DataLoader"):
            continue
        aims = root.targets if isinstance(root, ast.Assign) else []
        name = next((path(one) for one in aims if path(one)), None)
        if name is None or not any(part.startswith(_JUDGING) for part in name.lower().split("_")):
            continue
        words = {w.arg for w in call.keywords if isinstance(w.value, ast.Constant) and w.value.value is True}
        if "drop_last" in words:
            title = fill(_LOADER_TITLE, name=name, what=_LEAVES_OUT)
            return Explanation("judging-loader", "note", title, fill(_DROPPED))
        if "shuffle" in words:
            title = fill(_LOADER_TITLE, name=name, what=_SHUFFLES)
            return Explanation("judging-loader", "note", title, fill(_SHUFFLED))
    return None
