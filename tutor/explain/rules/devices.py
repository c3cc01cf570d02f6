"""Tensors on different devices in one operation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce

from tutor.explain import calls
from tutor.explain.arguments import parts
from tutor.explain.engine import failure
from tutor.explain.lineage import tells_makers
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing, insert_after, path, root, words
from tutor.explain.repairs import closed, code_of, exchange
from tutor.explain.wording import and_text, code_list, fill, phrase
from tutor.facts import Explanation, Snapshot, Step, TensorFacts

_TITLE = "`{code}` has tensors on different devices: {devices}"
_TEXT = """
{where}. An operation runs on one device, and torch never moves a tensor between devices by itself. {cure}
"""
_ONE_ON, _MANY_ON = "{names} is on {device}", "{names} are on {device}"
_ELSE_ON = "something else in `{code}` is on {device}"
_AND_ON = "{first}, and {second}"
_THE_LAYER = "the {type} layer"
_CURE = "Move one to the other's device first, with `.to(...)`: {moved}."
_CURE_DATA = """
Move the data to the device of `{module}`: {moved}. A module's parameters move only when the module is told
to.
"""
_CURE_MODULE = """
Move the data to the device of the model, with `.to(device)`, or the model to the data's, with
`model.to(device)`: a module's parameters move only when the module is told to.
"""
_CURE_MODEL = """
Move `{module}` to the device of the data: {moved}. A module's parameters move only when the module is told
to.
"""
_PLAIN = """
{name} is a plain attribute, which stays where it is when its module moves;
`self.register_buffer("{attribute}", ...)` makes it one that moves along.
"""
_CURE_META = """
A tensor on the meta device has a shape but no numbers, so it cannot be moved: make it on {other} from the
beginning, with `device="{other}"`.
"""
_STATE_TITLE = "{opt} keeps numbers on {was}, and its parameters are on {now}"
_STATE = """
An optimizer keeps numbers of its own about each parameter, such as {kept}. They were made where the parameter
was at the first `step()`, on {was}, and stayed there when the model moved: {parameter} is on {now} now. Move
the model first, then make its optimizer. What it keeps already goes to the parameters' device when it is
loaded anew: {moved}.
"""
_TOLD = re.compile(
    "(?:on|at) the same device|is not on the expected device|should be the same or input should be"
    r"|[Ii]nput type \(.*\) and (?:weight|bias) type|storage has not been allocated on MPS"
)
_DEVICE_WORD = re.compile(r"\b(?:(?:cuda|mps|xpu|sim)(?::\d+)?|cpu|meta)\b")


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
    if (state := _optimizer_state(step, found, node)) is not None:
        return state
    tensors = _tensors(step, found, node)
    devices: dict[str, list[str]] = {}
    for name, device in tensors.items():
        devices.setdefault(device, []).append(name)
    told = _DEVICE_WORD.findall(error.message)
    every = list(dict.fromkeys([*devices, *told]))
    if len(every) < 2:
        return None
    listed = [
        phrase(_ONE_ON if len(names) == 1 else _MANY_ON, names=code_list(names), device=d)
        for d, names in devices.items()
    ]
    code = words(node, found.source)
    listed += [phrase(_ELSE_ON, code=code, device=d) for d in every if d not in devices]
    cure, fix = _cure(step, found, node, every)
    where = reduce(lambda first, second: phrase(_AND_ON, first=first, second=second), listed)
    title = fill(_TITLE, code=words(node, found.source), devices=and_text(every))
    names = tuple(name for name in tensors if name in found.tensors)[:4]
    text = fill(_TEXT, where=where[:1].upper() + where[1:], cure=cure)
    return Explanation("device-mismatch", "error", title, text, fix, names)


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
    for one, device in _given(step):
        if not any(name == one or one.startswith((f"{name}.", f"{name}[")) for name in known):
            known.setdefault(one, device)
    call = step.error.call if step.error is not None else None
    if call is not None:
        layer = call.path or (phrase(_THE_LAYER, type=call.module) if call.module else "")
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


def _given(step: Step) -> Iterator[tuple[str, str]]:
    """The learner's words for the tensors that the failed call was given, and their devices."""
    for call in calls.chain(calls.failed(step)):
        for one in call.arguments:
            if one.operand is not None and one.text and one.operand.device:
                yield one.text, one.operand.device
            yield from ((item.name, item.device) for item in one.items if item.name and item.device)


# ── cures ────────────────────────────────────────────────────────────────────


def _cure(step: Step, found: Failing, node: ast.AST, every: list[str]) -> tuple[str, str | None]:
    """What to do about it, and the code that does it where that is certain."""
    if "meta" in every:
        other = next((one for one in every if one != "meta"), "cpu")
        return fill(_CURE_META, other=other), None
    module = _module(found, node)
    operands = [(part, _device(step, found, part)) for part in _operands(node)]
    here = {device for _, device in operands if device is not None}
    home = _one(_parameters(module, found.tensors).values()) if module else None
    if module and home is not None and here:
        return _cure_module(found, module, home, operands)
    called = step.error is not None and step.error.call is not None and step.error.call.module is not None
    target = _target(node, operands, every)
    anchor = next((path(part) for part, device in operands if device == target and path(part)), None)
    near = (name for name, facts in found.tensors.items() if facts.device == target and _is_near(name, node))
    anchor = anchor or next(near, None)
    astray = [part for part, device in operands if device not in (None, target)]
    if not astray or len({*here, target}) != 2:
        return fill(_CURE_MODULE if called or module else _CURE, moved="`.to(...)`"), None
    code = f".to({anchor}.device)" if anchor is not None else f'.to("{target}")'
    cure = fill(_CURE, moved=f"`{closed(astray[0], found.source)}{code}`")
    for name in (path(part) for part in astray):
        facts = found.tensors.get(name or "")
        if name and name.startswith("self.") and name.count(".") == 1 and facts and facts.kind == "tensor":
            cure = f"{cure} {fill(_PLAIN, name=f'`{name}`', attribute=name[5:])}"
    return cure, _moved(found, astray, code)


def _cure_module(
    found: Failing, module: str, home: str, operands: list[tuple[ast.expr, str | None]]
) -> tuple[str, str | None]:
    """A layer and the data that it was called with: what lies on the CPU goes to the other's device."""
    astray = [part for part, device in operands if device not in (None, home)]
    if not astray:
        return fill(_CURE_MODULE), None
    if home == "cpu":
        data = path(astray[0])
        if data is None:
            return fill(_CURE_MODULE), None
        code = f"{module}.to({data}.device)"
        alone = found.own and "\n" not in found.source
        fix = f"{code}\n{found.source}" if alone else None
        return fill(_CURE_MODEL, module=module, moved=f"`{code}`"), fix
    code = f".to({_spoken(found, module, home)})"
    cure = fill(_CURE_DATA, module=module, moved=f"`{closed(astray[0], found.source)}{code}`")
    return cure, _moved(found, astray, code)


def _spoken(found: Failing, module: str, home: str) -> str:
    """How the learner's code names the device of a module: by the name that they moved with, if any."""
    parameters = _parameters(module, found.tensors)
    for name, facts in found.tensors.items():
        origin = facts.origin
        moved = _BY_NAME.search(origin.expression) if origin is not None and facts.device == home else None
        if moved is not None and (name in parameters or moved[1] == "device"):
            return moved[1]
    return f"{next(iter(parameters))}.device"


_BY_NAME = re.compile(r"(?:\.to\(|\bdevice=)([A-Za-z_]\w*)[,)]")


def _moved(found: Failing, astray: list[ast.expr], code: str) -> str | None:
    """The code with these expressions moved."""
    if len(astray) == 1:
        return exchange(found, astray[0], closed(astray[0], found.source) + code)
    if not all(isinstance(one, ast.Name | ast.Attribute | ast.Subscript | ast.Call) for one in astray):
        return None
    source = found.source
    for one in sorted(astray, key=lambda one: (one.lineno, one.col_offset), reverse=True):
        source = insert_after(source, one, code)
    return found.changed(source)


def _operands(node: ast.AST) -> list[ast.expr]:
    """What an expression computes with, members of lists one by one."""
    if isinstance(node, ast.Subscript):
        index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return [node.value, *index]
    found: list[ast.expr] = []
    for part in parts(node):
        found += part.elts if isinstance(part, ast.List | ast.Tuple) else [part]
    return found


def _device(step: Step, found: Failing, part: ast.expr) -> str | None:
    """Where an operand lies; None where it is no tensor, or nobody has seen it."""
    if (facts := found.tensors.get(path(part) or "")) is not None:
        return facts.device
    code = code_of(part, found.source)
    return next((device for text, device in _given(step) if text == code), None)


def _target(node: ast.AST, operands: list[tuple[ast.expr, str | None]], every: list[str]) -> str:
    """The device where the result is to be: of what is written in place or indexed, else the accelerator."""
    writes = isinstance(node, ast.AugAssign)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        writes = node.func.attr.endswith("_") and not node.func.attr.endswith("__")
    if (writes or isinstance(node, ast.Subscript)) and operands and operands[0][1] is not None:
        return operands[0][1]
    return next((one for one in every if one != "cpu"), every[0])


def _module(found: Failing, node: ast.AST) -> str | None:
    """The layer that is called, where it has parameters or buffers."""
    owner = path(node.func) if isinstance(node, ast.Call) else None
    return owner if owner in found.modules and _parameters(owner or "", found.tensors) else None


def _is_near(name: str, node: ast.AST) -> bool:
    """Whether an expression mentions a name as a whole."""
    return any(isinstance(one, ast.expr) and path(one) == name for one in ast.walk(node))


def _one(devices: Iterable[str]) -> str | None:
    """The device, if all are on one."""
    found = set(devices)
    return found.pop() if len(found) == 1 else None


def _optimizer_state(step: Step, found: Failing, node: ast.AST) -> Explanation | None:
    """What an optimizer keeps is where its parameters were before they moved."""
    call = calls.failed(step)
    if call is None or not (call.name.startswith("torch.optim.") and call.name.endswith(".step")):
        return None
    name = (
        path(node.func.value) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
    )
    for kept, facts in found.tensors.items():
        inside = _KEPT.fullmatch(kept)
        if inside is None or inside[1] != name or inside[3] == "step":
            continue
        parameter = found.tensors.get(inside[2])
        if parameter is None or None in (parameter.device, facts.device) or parameter.device == facts.device:
            continue
        moved = f"{name}.load_state_dict({name}.state_dict())"
        said = {"opt": f"`{name}`", "was": facts.device, "now": parameter.device}
        said |= {"kept": f"`{kept}`", "parameter": f"`{inside[2]}`", "moved": f"`{moved}`"}
        alone = found.own and "\n" not in found.source
        fix = f"{moved}\n{found.source}" if alone else None
        title, text = fill(_STATE_TITLE, **said), fill(_STATE, **said)
        return Explanation("device-mismatch", "error", title, text, fix, (kept, inside[2]))
    return None


_KEPT = re.compile(r"(.+?)\.state\[(.+)\]\[[\"'](\w+)[\"']\]")
