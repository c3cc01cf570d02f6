"""Local variables of a running function, read from another thread without disturbing it.

`frame.f_locals` of a function is out of the question before Python 3.13: it makes a dictionary that
keeps the values alive, that `locals()` hands out, and that a profiler's return writes back.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from inspect import CO_OPTIMIZED
from types import CellType, CodeType, FrameType
from typing import Any

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

#: Functions with more variables than this are left alone.
_MOST_PLACES = 1_000
Read = Callable[[FrameType, Sequence[str]], dict[str, Any]]


def read_locals(frame: FrameType, names: Sequence[str]) -> dict[str, Any]:
    """The values of those of `names` that are bound local variables of the frame's function."""
    if not frame.f_code.co_flags & CO_OPTIMIZED:  # a module or a class body: a plain dictionary
        own = frame.f_locals
        return {name: own[name] for name in names if name in own}
    return _read(frame, names)


def _places(code: CodeType) -> dict[str, int]:
    """Where each variable of a function lies among its fast locals."""
    own = code.co_varnames
    cells = [name for name in code.co_cellvars if name not in own]
    return {name: at for at, name in enumerate((*own, *cells, *code.co_freevars))}


class _Interpreted(ctypes.Structure):
    """CPython 3.11's `_PyInterpreterFrame`, as its header has it."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("function", "globals", "builtins", "locals", "code")),
        *((name, ctypes.c_void_p) for name in ("frame", "previous", "instruction")),
        ("stack_top", ctypes.c_int),
        ("is_entry", ctypes.c_bool),
        ("owner", ctypes.c_char),
        ("slots", ctypes.py_object * _MOST_PLACES),
    ]


class _Frame(ctypes.Structure):
    """CPython 3.11's `PyFrameObject`, as far as it is needed."""

    _fields_ = [
        ("references", ctypes.c_ssize_t),
        ("type", ctypes.c_void_p),
        ("back", ctypes.c_void_p),
        ("interpreted", ctypes.POINTER(_Interpreted)),
    ]


def _by_place(frame: FrameType, names: Sequence[str]) -> dict[str, Any]:
    """For CPython 3.11, which has no call that reads one variable."""
    places = _places(frame.f_code)
    raw = _Frame.from_address(id(frame))
    found: dict[str, Any] = {}
    for name in names:
        place = places.get(name, _MOST_PLACES)
        if place >= _MOST_PLACES:
            continue
        try:
            # One expression without a call: no other thread can run, and end the frame, in the middle of it.
            value = raw.interpreted.contents.slots[place]
            found[name] = value.cell_contents if type(value) is CellType else value
        except ValueError:  # not bound now
            continue
    return found


def _by_name(frame: FrameType, names: Sequence[str]) -> dict[str, Any]:
    """For CPython from 3.12 on."""
    found: dict[str, Any] = {}
    for name in names:
        try:
            found[name] = _get_variable(frame, name)
        except NameError:
            continue
    return found


def _nothing(frame: FrameType, names: Sequence[str]) -> dict[str, Any]:
    """Where no way is known: functions keep their variables to themselves."""
    return {}


def _choose() -> Read:
    if sys.implementation.name != "cpython" or hasattr(sys, "getobjects"):
        return _nothing
    if sys.version_info >= (3, 12):
        _get_variable.restype = ctypes.py_object
        _get_variable.argtypes = [ctypes.py_object, ctypes.py_object]
        return _by_name
    return _by_place if sys.version_info[:2] == (3, 11) else _nothing


_get_variable: Any = getattr(ctypes.pythonapi, "PyFrame_GetVar", None)
_read = _choose()
