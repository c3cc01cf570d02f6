"""Names that were asked for and are not there, and what is there that looks like them."""

from __future__ import annotations

import ast
import builtins
import difflib
import re
import sys
import types
from collections.abc import Iterable
from itertools import islice
from types import TracebackType
from typing import Any

from tutor.facts import FailedCall, Missing
from tutor.kernel import raw, static
from tutor.kernel.failed.arguments import UNKNOWN
from tutor.kernel.failed.calls import Reading, learner_of
from tutor.kernel.failed.names import content_of
from tutor.kernel.failed.scope import Scope
from tutor.kernel.guard import GENUINE
from tutor.kernel.trace.sites import Site

globals()["__builtins__"] = GENUINE

_MOST_NEAR = 3
_MOST_NAMES = 5_000
_ALIKE = 0.6
_LONGEST = 80
#: Modules under the names that everybody gives them.
_ABBREVIATED = {
    "np": "numpy",
    "nn": "torch.nn",
    "F": "torch.nn.functional",
    "torch": "torch",
    "plt": "matplotlib",
}


def describe_missing(
    error: BaseException, trace: TracebackType | None, failed: FailedCall | None, reading: Reading
) -> Missing | None:
    """What was asked for; None where nothing is missing. Call inside `raw.Reading()`."""
    learner = learner_of(trace, reading)
    if learner is None:
        return None
    site, scope = learner.site, learner.scope
    kind = type(error)
    if kind is NameError or kind is UnboundLocalError:
        return _name(error, scope)
    if kind is AttributeError:
        return _attribute(error, site, scope)
    if kind is ImportError or kind is ModuleNotFoundError:
        return _import(error, site)
    if kind is KeyError or kind is IndexError:
        return _item(error, site, scope)
    return _keyword(error, site, failed) if kind is TypeError else None


def _name(error: Any, scope: Scope) -> Missing | None:
    name = _text(error.name) or _quoted_in(error)
    if name is None:
        return None
    if type(error) is UnboundLocalError:
        return Missing("name", name, later=True)
    known = [*scope.variables, *scope.namespace, *vars(builtins)]
    return Missing("name", name, _ABBREVIATED.get(name, ""), near=near(name, known))


def _quoted_in(error: Any) -> str | None:
    """The name in Python's message, for local variables of which it says it nowhere else."""
    told = re.search(r"variable '(\w+)'", _message(error))
    return told[1] if told is not None else None


def _message(error: BaseException) -> str:
    parts = BaseException.__dict__["args"].__get__(error)
    text = parts[0] if type(parts) is tuple and parts else ""
    return text if type(text) is str else ""


def _attribute(error: Any, site: Site, scope: Scope) -> Missing | None:
    name = _text(error.name)
    node = site.node
    written = isinstance(node, ast.Attribute) and (name is None or node.attr == name)
    call = node.func if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
    if not written and call is not None and call.attr == name:
        node, written = call, True
    if not written or not isinstance(node, ast.Attribute):
        return None
    owner = error.obj if error.name is not None else scope.value(node.value)
    if owner is UNKNOWN:
        return None
    kind = "module" if type(owner) is types.ModuleType else raw.type_name(owner)
    return Missing("attribute", node.attr, site.says(node.value), kind, near(node.attr, _names_of(owner)))


def _names_of(owner: Any) -> list[str]:
    """Names of attributes, read from dictionaries alone."""
    if type(owner) is types.ModuleType:
        return [name for name in list(content_of(owner)) if type(name) is str]
    found: list[str] = []
    for space in static.spaces(owner):
        found.extend(name for name in list(space) if type(name) is str)
    return found[:_MOST_NAMES]


def _import(error: Any, site: Site) -> Missing | None:
    node = site.node
    if isinstance(node, ast.ImportFrom) and type(error) is ImportError:
        place = _text(error.name)
        module = sys.modules.get(place) if place is not None else None
        if type(module) is not types.ModuleType:
            return None
        own = _names_of(module)
        absent = next((one.name for one in node.names if one.name not in own), None)
        return None if absent is None else Missing("import", absent, place or "", "module", near(absent, own))
    name = _text(error.name)
    if name is None:
        return None
    place, _, last = name.rpartition(".")
    around = sys.modules.get(place)
    if type(around) is types.ModuleType:
        return Missing("import", last, place, "module", near(last, _names_of(around)))
    known = {one.partition(".")[0] for one in list(sys.modules)} | sys.stdlib_module_names
    return Missing("import", name, near=near(name, known))


def _item(error: BaseException, site: Site, scope: Scope) -> Missing | None:
    """A key or position that a dictionary, list or tuple has not."""
    node = site.node
    if not isinstance(node, ast.Subscript):
        return None
    owner, text = scope.value(node.value), site.says(node.value)
    kind = raw.type_name(owner)
    if type(error) is IndexError:
        at = scope.value(node.slice)
        if type(at) is not int or type(owner) not in (list, tuple):
            return None
        return Missing("position", str(at), text, kind, length=len(owner))
    parts = BaseException.__dict__["args"].__get__(error)
    key = parts[0] if type(parts) is tuple and parts else None
    if type(key) is not str or not raw.is_a(owner, dict):
        return None
    own = [one for one in islice(dict.keys(owner), _MOST_NAMES) if type(one) is str]
    return Missing("key", key[:_LONGEST], text, kind, near(key, own), dict.__len__(owner))


def _keyword(error: BaseException, site: Site, failed: FailedCall | None) -> Missing | None:
    """A keyword that the function does not take, where all that it takes is known."""
    if failed is None or not failed.parameters or not isinstance(site.node, ast.Call):
        return None
    if failed.form not in ("function", "method", "class", "module"):
        return None
    taken = {*failed.parameters, *_ALWAYS_TAKEN}
    wrong = next(
        (one.arg for one in site.node.keywords if one.arg is not None and one.arg not in taken), None
    )
    message = _message(error)
    if wrong is None or re.search(rf"\b{re.escape(wrong)}\b", message) is None:
        return None
    known = (*failed.parameters, *(("axis",) if "dim" in failed.parameters else ()))
    return Missing("keyword", wrong, failed.name, "function", near(wrong, known))


#: Words that builtin functions take besides what their schemas say.
_ALWAYS_TAKEN = ("input", "self", "out", "axis", "dim", "keepdims", "keepdim")


def near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """The names that look most like one that is not there; a gap left in an exercise looks like none."""
    if not name.strip("_"):
        return ()
    name = name[:_LONGEST]
    public = dict.fromkeys(one for one in known if name.startswith("_") or not one.startswith("_"))
    same = [one for one in public if one.lower().replace("_", "") == name.lower().replace("_", "")]
    alike = difflib.get_close_matches(name, [*islice(public, _MOST_NAMES)], _MOST_NEAR, _alike(name))
    return tuple(one for one in dict.fromkeys([*same, *alike]) if one != name)[:_MOST_NEAR]


def _alike(name: str) -> float:
    """How much names must have in common: of short ones one letter of two, of one letter two of three."""
    return {1: 0.6, 2: 0.5}.get(len(name), _ALIKE)


def _text(value: object) -> str | None:
    return value[:_LONGEST] if type(value) is str else None
