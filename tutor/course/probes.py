"""Which questions about live values the checks of a step need; the records answer the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import UNSET
from msgspec.structs import asdict

from tutor.course.checks import OF_TENSOR
from tutor.course.claims import Cases, Close, Item, Raises
from tutor.course.evidence import Evidence
from tutor.facts import Probe

#: Indices that lead to an item, through `any` and `not`.
Path = tuple[int, ...]
#: An item and the fact of it that a question is about; `look` asks what the variable is.
Asked = tuple[Path, str]

_RELATIONS = frozenset({"shares_memory", "same_storage", "is_view_of"})
_LIVE = {
    "value": "value",
    "all_finite": "finite",
    "graph_freed": "freed",
    "params": "params",
    "training": "training",
    "loss_decreases": "loss",
    "rerun": "rerun",
    "py": "py",
}


def probes_for(items: Sequence[Item], evidence: Evidence) -> list[tuple[Asked, Probe]]:
    """Every question, in the order of the checks."""
    return [asked for index, item in enumerate(items) for asked in _of_item(item, (index,), evidence)]


def _of_item(item: Item, path: Path, evidence: Evidence) -> Iterator[tuple[Asked, Probe]]:
    for index, part in enumerate(item.parts()):
        yield from _of_item(part, (*path, index), evidence)
    var = "" if item.var is UNSET else item.var
    raising = item.raises is not UNSET
    if var and not raising and (evidence.facts(var) is None or item.exists is not UNSET):
        yield (path, "look"), Probe("look", var)
    for fact, wanted in item.facts():
        for number, probe in enumerate(_of_fact(fact, var, wanted)):
            yield (path, fact if number == 0 else f"{fact} {number}"), probe


def _of_fact(fact: str, var: str, wanted: Any) -> Iterator[Probe]:
    if fact in OF_TENSOR:
        return
    if fact in ("equals", "close", "grad"):
        yield _comparison(fact, var, wanted)
    elif fact in _RELATIONS:
        yield Probe("relation", var, wanted, {"relation": fact})
    elif fact == "depends_on":
        for name in names_of(wanted):
            yield Probe("depends", var, name)
    elif fact == "raises" and var:
        claim = wanted if isinstance(wanted, Raises) else Raises()
        yield Probe("raises", var, None, {"type": claim.type, "match": claim.match})
    elif fact == "cases":
        yield _cases(var, wanted)
    elif fact in _LIVE:
        yield Probe(_LIVE[fact], var, wanted)


def names_of(wanted: str | tuple[str, ...]) -> tuple[str, ...]:
    """One name or several, as several."""
    return (wanted,) if isinstance(wanted, str) else wanted


def _comparison(fact: str, var: str, wanted: Any) -> Probe:
    if isinstance(wanted, Close):
        options = {"close": True, "rtol": wanted.rtol, "atol": wanted.atol}
        return Probe("grad" if fact == "grad" else "equals", var, wanted.to, options)
    options = {"close": fact != "equals"}
    return Probe("grad" if fact == "grad" else "equals", var, wanted, options)


def _cases(var: str, wanted: Cases) -> Probe:
    options = asdict(wanted)
    options["inputs"] = list(wanted.inputs)
    return Probe("cases", var, None, options)
