"""What optimizers keep about parameters, spelled as the learner would: `opt.state[w]["exp_avg"]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tutor import paths
from tutor.kernel import containers, raw, static
from tutor.kernel.containers import Contents


def state_of(optimizer: object, name_of: Callable[[object], str | None]) -> tuple[object, Contents | None]:
    """The state of an optimizer and what it holds; a parameter without a name goes by its number."""
    fields = static.own(optimizer)
    state: Any = dict.get(fields, "state")
    contents = containers.read(state) if id(type(state)) in containers.MAPPINGS else None
    if contents is None:
        return state, None
    numbers = _numbers(dict.get(fields, "param_groups"))
    spelled = [_suffix(key, numbers, name_of) for key in contents.keys]
    return state, Contents(spelled, contents.values, contents.size, "spelled")


def _suffix(key: object, numbers: dict[int, int], name_of: Callable[[object], str | None]) -> str | None:
    if not raw.is_tensor(key):
        return paths.item(key)
    name = name_of(key)
    if name is not None:
        return f"[{name}]"
    return f"[{numbers[id(key)]}]" if id(key) in numbers else None


def _numbers(groups: object) -> dict[int, int]:
    """By `id()` of a parameter, the number that it has in `state_dict()`."""
    numbers: dict[int, int] = {}
    for group in groups if type(groups) is list else ():
        held = dict.get(group, "params") if type(group) is dict else None
        for parameter in held if type(held) is list else ():
            numbers.setdefault(id(parameter), len(numbers))
    return numbers
