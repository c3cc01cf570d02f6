"""Tensors on different devices in one operation."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping

from tutor.explain.arguments import parts
from tutor.explain.engine import failure
from tutor.explain.lineage import tells_makers
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing, insert_after, path, root, words
from tutor.explain.wording import code_list, fill
from tutor.facts import Explanation, Snapshot, Step, TensorFacts

_TITLE = "`{code}` has tensors on different devices: {devices}"
_TEXT = """
{where}. An operation runs on one device, and torch never moves a tensor between devices by itself. {cure}
"""
_CURE = "Move one to the other's device first, with `.to(...)`: {moved}."
_CURE_MODULE = """
Move the data to the device of the model, with `.to(device)`, or the model to the data's, with
`model.to(device)`: a module's parameters move only when the module is told to.
"""
_CURE_META = """
A tensor on the meta device has a shape but no numbers, so it cannot be moved: make it on {other} from the
beginning, with `device="{other}"`.
"""
_TOLD = re.compile(
    "on the same device|is not on the expected device|should be the same or input should be"
    r"|[Ii]nput type \(.*\) and (?:weight|bias) type|storage has not been allocated on MPS"
)


@failure
@tells_makers
def device_mismatch(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an operation was given tensors on different devices."""
    error = step.error
    if error is None or error.type != "RuntimeError" or _TOLD.search(error.message) is None:
        return None
    found = failing(step)
    if found is None or not found.nodes:
        return None
    node = found.nodes[0]
    tensors = _tensors(step, found, node)
    devices: dict[str, list[str]] = {}
    for name, device in tensors.items():
        devices.setdefault(device, []).append(name)
    told = re.findall(r"\b(?:cuda(?::\d+)?|cpu|mps(?::\d+)?|meta|xpu(?::\d+)?)\b", error.message)
    every = list(dict.fromkeys([*devices, *told]))
    if len(every) < 2:
        return None
    listed = [
        f"{code_list(names)} {'is' if len(names) == 1 else 'are'} on {d}" for d, names in devices.items()
    ]
    listed += [
        f"something else in `{words(node, found.source)}` is on {d}" for d in every if d not in devices
    ]
    module = step.error is not None and step.error.call is not None and step.error.call.module is not None
    moved, fix = _moved(found, node, devices)
    if "meta" in every:
        other = next((one for one in every if one != "meta"), "cpu")
        cure, fix = fill(_CURE_META, other=other), None
    elif module or not moved:
        cure = fill(_CURE_MODULE)
    else:
        cure = fill(_CURE, moved=f"`{moved}`")
    where = ", and ".join(listed)
    title = fill(_TITLE, code=words(node, found.source), devices=" and ".join(every))
    names = tuple(name for name in tensors if name in found.tensors)[:4]
    text = fill(_TEXT, where=where[:1].upper() + where[1:], cure=cure)
    return Explanation("device-mismatch", "error", title, text, found.changed(fix), names)


def _tensors(step: Step, found: Failing, node: ast.AST) -> dict[str, str]:
    """Devices of the tensors in the expression, and of the layer that was called."""
    known: dict[str, str] = {}
    for part in ast.walk(node):
        name = root(part, found.tensors) if isinstance(part, ast.expr) else None
        if name is not None and (device := found.tensors[name].device) is not None:
            known.setdefault(name, device)
        owner = path(part)
        if owner in found.modules:
            known.update(_parameters(owner or "", found.tensors))
    call = step.error.call if step.error is not None else None
    if call is not None:
        layer = call.path or (f"the {call.module} layer" if call.module else "")
        for name, facts in call.tensors.items():
            inner = name.removeprefix("self.")
            label = f"{layer}.{inner}" if name.startswith("self.") else name
            if facts.device is not None and not any(
                found.tensors[k].object == facts.object for k in known if k in found.tensors
            ):
                known.setdefault(label, facts.device)
    return known


def _parameters(owner: str, tensors: Mapping[str, TensorFacts]) -> dict[str, str]:
    start = (f"{owner}.", f"{owner}[")
    return {n: t.device for n, t in tensors.items() if n.startswith(start) and t.device and ".grad" not in n}


def _moved(found: Failing, node: ast.AST, devices: Mapping[str, list[str]]) -> tuple[str, str | None]:
    """The second operand moved to the device of the first, and the code with it."""
    operands = [part for part in parts(node) if path(part) in found.tensors]
    if len(devices) != 2 or len(operands) < 2:
        return "", None
    first = found.tensors[path(operands[0]) or ""]
    other = next((one for one in operands[1:] if found.tensors[path(one) or ""].device != first.device), None)
    if other is None:
        return "", None
    code = f".to({first.name}.device)"
    return words(other, found.source) + code, insert_after(found.source, other, code)
