"""The learner's names at the nodes of a graph: of the leaves they fill, and of what they made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from types import FunctionType
from typing import Any

from msgspec import Struct

from tutor.kernel import names as learner_names
from tutor.kernel import raw
from tutor.kernel.nodes import number
from tutor.kernel.tensors import Named
from tutor.kernel.variables import Variables

#: Hooks of one tensor that are told one by one, and named tensors of one graph that are asked for theirs.
MAX_HOOKS = 8
MAX_ASKED = 1_000


class Labels(Struct, frozen=True):
    """Names of tensors, for a moment: it may hold the namespace's values, so it must not be kept."""

    #: Path of a leaf tensor.
    leaf: Callable[[Any], str | None]
    #: Paths of the tensors that a node made, by its number.
    made: dict[int, list[str]]
    #: The tensors at paths; None where there is none.
    find: Callable[[Sequence[str]], list[Any]]
    #: The number of a tensor, as snapshots have it.
    number: Callable[[Any], int] | None = None

    def hooks_at(self, numbers: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """What runs when a gradient passes the tensors that these nodes made."""
        asked = [(each, path) for each in numbers for path in self.made.get(each, ())][:MAX_ASKED]
        found: dict[int, tuple[str, ...]] = {}
        values = self.find([path for _, path in asked]) if asked else []
        for (each, _), tensor in zip(asked, values, strict=True):
            if raw.is_tensor(tensor) and (hooks := hooks_of(tensor)):
                found[each] = tuple(dict.fromkeys((*found.get(each, ()), *hooks)))
        return found


def grad_fn(tensor: Any) -> Any:
    """The grad_fn of `tensor`; None where torch cannot tell."""
    try:
        return raw.grad_fn(tensor)
    except Exception:  # a view that an in-place change under no_grad made stale
        return None


def read_labels(
    namespace: dict[str, object], names: Collection[str] | None
) -> tuple[Labels, list[tuple[str, Any]]]:
    """Labels read from the whole namespace, and the named tensors that have a grad_fn, with it.

    Call inside `raw.Reading()`.
    """
    items = _named_tensors(namespace, names)
    roots = [(item.path, node) for item in items if (node := grad_fn(item.value)) is not None]
    leaves: dict[int, str] = {}
    values: dict[str, Any] = {}
    for item in items:
        leaves.setdefault(id(item.value), item.path)
        values[item.path] = item.value
    made: dict[int, list[str]] = {}
    for path, node in roots:
        made.setdefault(number(node), []).append(path)
    labels = Labels(
        lambda leaf: leaves.get(id(leaf)), made, lambda paths: [values.get(path) for path in paths]
    )
    return labels, roots


def _named_tensors(namespace: dict[str, object], names: Collection[str] | None) -> list[Named]:
    variables = Variables(namespace, frozenset())
    looked_at = variables.look([name.partition(".")[0].partition("[")[0] for name in names or ()])
    named = ((name, value) for name, value in zip(*looked_at, strict=True) if variables.is_variable(name))
    items = [item for item in learner_names.Collector().collect(named) if raw.is_tensor(item.value)]
    if names is None:  # only names of their own: a list of a thousand losses is not a thousand graphs
        return [item for item in items if not item.holder]
    # A leaf's own name says more than its place in a list of parameters.
    return sorted(items, key=lambda item: item.holder != "")


def hooks_of(tensor: Any) -> tuple[str, ...]:
    """What runs when the gradient of `tensor` passes, in words; calls nothing of it."""
    try:
        retains = raw.retains_grad(tensor)
        before, after = raw.backward_hooks(tensor), raw.accumulate_hooks(tensor)
    except Exception:
        return ()
    if not retains and not before and not after:
        return ()
    found = ["retain_grad"] if retains else []
    for kind, hooks in (("hook", before), ("post-accumulate-grad hook", after)):
        if raw.is_a(hooks, dict):
            found += [f"{kind}{_function_name(hook)}" for hook in list(dict.values(hooks))[:MAX_HOOKS]]
    return tuple(found)


def _function_name(hook: object) -> str:
    return f" {hook.__name__}"[:60] if type(hook) is FunctionType else ""
