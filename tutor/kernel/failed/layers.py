"""The module that was called when something failed, as facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import torch

from tutor.facts import LayerFacts, Operand
from tutor.kernel import raw
from tutor.kernel.failed.arguments import Describer, plain_text
from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_MOST_SETTINGS = 32
_MOST_TENSORS = 16
_MOST_CHILDREN = 64
_MOST_MODULES = 2_000


def describe_layer(module: Any, path: str, describer: Describer) -> LayerFacts:
    """Facts of one module, none of it from its attributes' own code."""
    fields = raw.module_dict(module)
    training = dict.get(fields, "training")
    children = dict.get(fields, "_modules")
    return LayerFacts(
        type=raw.type_name(module),
        path=path,
        settings=dict(islice(_settings(fields), _MOST_SETTINGS)),
        tensors=dict(_tensors(fields, path, describer)),
        training=training if type(training) is bool else None,
        children=tuple(islice((key for key in children if type(key) is str), _MOST_CHILDREN))
        if type(children) is dict
        else (),
    )


def _settings(fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in list(fields.items()):
        if type(key) is not str or key.startswith("_") or key == "training" or raw.is_tensor(value):
            continue
        text = plain_text(value)
        if text is not None and value is not None:
            yield key, text


def _tensors(fields: dict[str, Any], path: str, describer: Describer) -> Iterator[tuple[str, Operand]]:
    for part in ("_parameters", "_buffers"):
        members = dict.get(fields, part)
        for key, value in islice(members.items(), _MOST_TENSORS) if type(members) is dict else ():
            if type(key) is str and raw.is_tensor(value):
                yield key, describer.operand(value, f"{path}.{key}" if path else "", key)


def path_of(owner: Any, variables: Mapping[str, Any], namespace: Mapping[str, Any]) -> str:
    """The learner's path of a module, from the function's own names first; empty where there is none."""
    budget = _MOST_MODULES
    roots = [*variables.items(), *namespace.items()]
    pending = [(name, value) for name, value in roots if raw.is_a(value, torch.nn.Module)]
    seen: set[int] = set()
    for path, module in pending:
        budget -= 1
        if module is owner:
            return path
        if budget < 0:
            return ""
        if id(module) in seen:
            continue
        seen.add(id(module))
        members = dict.get(raw.module_dict(module), "_modules")
        indexed = raw.is_a(module, torch.nn.Sequential) or raw.is_a(module, torch.nn.ModuleList)
        for key, child in members.items() if type(members) is dict else ():
            if raw.is_a(child, torch.nn.Module):
                pending.append((f"{path}[{key}]" if indexed and key.isdigit() else f"{path}.{key}", child))
    return ""
