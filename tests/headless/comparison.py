"""What `torchtutor inspect --json` said against what the oracle found, field by field."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

_STRUCTURAL = ("storage", "data_ptr")


def differences(said: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """One line for each fact in which the two disagree, with the statement it is about."""
    lines = list(_endings(said, found))
    storages = _Bijection()
    for ours, theirs in zip(said["steps"], found["steps"], strict=False):
        at = f"line {theirs['line']} `{theirs['source'].splitlines()[0]}`"
        lines += [f"{at}: {text}" for text in _step(ours, theirs, storages)]
    return lines + list(_graphs(said["graphs"], found["graphs"]))


def _endings(said: dict[str, Any], found: dict[str, Any]):
    if len(said["steps"]) != len(found["steps"]):
        yield f"{len(said['steps'])} steps, not {len(found['steps'])}"
    if said["ok"] is not (found["error"] is None):
        yield f"ok is {said['ok']}, but the error is {found['error']}"
    ours = said["error"] and {key: said["error"][key] for key in ("type", "line", "message")}
    if ours != found["error"]:
        yield f"error {ours}, not {found['error']}"


def _step(ours: dict[str, Any], theirs: dict[str, Any], storages: _Bijection):
    for key in ("line", "end_line", "stdout", "result"):
        if _masked(ours[key]) != _masked(theirs[key]):
            yield f"{key} {ours[key]!r}, not {theirs[key]!r}"
    if "explanations_failed" in ours:
        yield ours["explanations_failed"]
    if theirs["source"] not in ours["source"]:
        yield f"source {ours['source']!r} lacks {theirs['source']!r}"
    warned = sorted([w["category"], w["line"]] for w in ours["warnings"])
    if warned != theirs["warnings"]:
        yield f"warnings {warned}, not {theirs['warnings']}"
    groups = sorted(tuple(sorted(group)) for group in ours["sharing"])
    if groups != [tuple(group) for group in theirs["sharing"]]:
        yield f"sharing {groups}, not {theirs['sharing']}"
    yield from _tensors(ours["tensors"], theirs["tensors"], storages)


def _tensors(ours: dict[str, Any], theirs: dict[str, Any], storages: _Bijection):
    tensors = {name: facts for name, facts in ours.items() if _is_plain(name)}
    if set(tensors) != set(theirs):
        yield f"tensors {sorted(tensors)}, not {sorted(theirs)}"
        return
    for name, facts in theirs.items():
        for key, value in facts.items():
            if key not in _STRUCTURAL and tensors[name][key] != value:
                yield f"{name}.{key} is {tensors[name][key]!r}, not {value!r}"
    yield from _addresses(tensors, theirs, storages)


def _is_plain(name: str) -> bool:
    return name.isidentifier() and name[0] != "_"


def _masked(value: Any) -> Any:
    """Text without the addresses that some reprs show."""
    return re.sub(r"\b0x[0-9a-f]+", "0x…", value) if isinstance(value, str) else value


def _addresses(ours: dict[str, Any], theirs: dict[str, Any], storages: _Bijection):
    """Storages correspond one to one over the whole run; in each, addresses lie equally far apart."""
    first: dict[int, str] = {}
    for name, facts in theirs.items():
        mine = ours[name]
        if not storages.pair(mine["storage"], facts["storage"]):
            yield f"{name}.storage {mine['storage']} is not the one that it was, or is another's"
        if not facts["data_ptr"] or not mine["data_ptr"]:  # nowhere: empty, meta, or no storage at all
            if facts["data_ptr"] != mine["data_ptr"]:
                yield f"{name}.data_ptr is {mine['data_ptr']}, not {facts['data_ptr']}"
            continue
        anchor = first.setdefault(facts["storage"], name)
        apart = mine["data_ptr"] - ours[anchor]["data_ptr"], facts["data_ptr"] - theirs[anchor]["data_ptr"]
        if apart[0] != apart[1]:
            yield f"{name}.data_ptr lies {apart[0]} from {anchor}'s, not {apart[1]}"


class _Bijection:
    def __init__(self) -> None:
        self._there: dict[Any, Any] = {}
        self._back: dict[Any, Any] = {}

    def pair(self, a: Any, b: Any) -> bool:
        return self._there.setdefault(a, b) == b and self._back.setdefault(b, a) == a


def _graphs(said: dict[str, Any], found: dict[str, Any]):
    plain = {name for name in said if _is_plain(name)}
    if plain != set(found):
        yield f"graphs of {sorted(plain)}, not of {sorted(found)}"
        return
    for name, theirs in found.items():
        for key, value in _summary(said[name], theirs["leaves"]).items():
            if value != theirs[key]:
                yield f"graph of {name}: {key} {value}, not {theirs[key]}"


def _summary(graph: dict[str, Any], leaves: list[list[str]]) -> dict[str, Any]:
    names = {node["id"]: node["name"] for node in graph["nodes"]}
    variables = [node["variable"] for node in graph["nodes"] if node["name"] == "AccumulateGrad"]
    return {
        "root": graph["nodes"][0]["name"],
        "nodes": dict(Counter(names.values())),
        "edges": dict(Counter(f"{names[a]} > {names[b]}" for a, b in graph["edges"])),
        "leaves": sorted(_possible(variable, leaves) for variable in variables),
    }


def _possible(variable: str | None, leaves: list[list[str]]) -> list[str]:
    """The paths of the leaf that has `variable` for one of its paths."""
    if variable is None:
        return []
    return next((paths for paths in leaves if _dotted(variable) in paths), [variable])


def _dotted(path: str) -> str:
    """`net[0].weight` as torch writes it: `net.0.weight`."""
    return path.replace("[", ".").replace("]", "")
