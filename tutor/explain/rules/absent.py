"""Names that are asked for and are not there: variables, attributes, modules, keywords, keys, positions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tutor.explain.engine import certain, fallback
from tutor.explain.past import Past
from tutor.explain.wording import code_list, count_text, fill, phrase
from tutor.facts import ErrorFacts, Explanation, Missing, Snapshot, Step
from tutor.translation import translated

#: Kinds of what is missing at which it is the word that is wrong, whatever else is said.
_WORDS_ALONE = frozenset({"name", "import", "keyword"})
_LONGEST_CODE = 80

_NAME_TITLE = "There is no variable `{name}`"
_NAME = "`{name}` has no value here: no statement that ran before this one set it{imported}. {near}"
_IMPORTED = ", and it is the usual name of `{module}`, which has not been imported: `{code}`"
_SO_CALLED = ", and the module of this name has not been imported: `{code}`"
_LATER_TITLE = "`{name}` is read before it is set"
_LATER = """
A function that sets a variable anywhere in its body has it as its own, even on the lines above: `{name}` here
is not the one outside, and it has no value yet. Set it before, or give it as an argument.
"""
_OF_TYPE = "{article} {type}"
_ATTRIBUTE_TITLE = "{kind} has no attribute `{name}`"
_ATTRIBUTE = "`{owner}` is {kind}, and that has no attribute or method `{name}`. {near}"
_NONE_TITLE = "`{owner}` is None"
_NONE = "`{owner}` is None here, so there is nothing to ask `.{name}` of. {hint}"
_NONE_FROM = """
A function without `return`, and a method such as `list.append`, gives None: look where `{owner}` was set.
"""
_MODULE_TITLE = "`{owner}` has no `{name}`"
_MODULE = "The module `{owner}` has nothing of the name `{name}`. {near}"
_IMPORT_TITLE = "There is no module `{name}` to import"
_IMPORT = "Python found no module `{name}`: it is spelled otherwise, or not installed. {near}"
_KEYWORD_TITLE = "`{owner}` takes no `{name}`"
_KEYWORD = "`{code}` gives the keyword `{name}`, which `{owner}` does not take. {near} It takes {taken}."
_KEY_TITLE = "`{owner}` has no key {name}"
_KEY = "The dictionary `{owner}` has {entries}, and no key {name}. {near}"
_NO_ENTRIES, _ONE_ENTRY, _ENTRIES = "no entries", "1 entry", "{count:,} entries"
_REACH = "from 0 to {last}, or from -1 back to -{count}"
_POSITION_TITLE = "`{owner}` has no element {name}"
_POSITION = """
`{owner}` is a {type} of {members}: its positions go {range}, and {name} is asked for.
"""
_KINDS = ("list", "tuple")
_POSITION_EMPTY = "`{owner}` is an empty {type}: there is no element to take, and {name} is asked for."
_GAP_TITLE = "`{name}` is a gap that is still open"
_GAP_TEXT = (
    "It holds the place of code that is still to be written: write that in place of `{name}`, and run again."
)
#: What exercises leave in place of code.
_GAP = re.compile("_{4,}")
_NEAR = "What is there and looks like it: {names}."
_MEANS = "In torch that is {there}."

#: What numpy, Python or other libraries call otherwise than tensors do.
_MEANINGS = {
    "astype": "`x.to(dtype)`", "copy": "`x.clone()`", "expand_dims": "`x.unsqueeze(dim)`",
    "concatenate": "`torch.cat`", "tolist_": "`x.tolist()`", "append": "`torch.cat` or `torch.stack`",
    "len": "`len(x)`", "length": "`len(x)` or `x.numel()`", "array": "`torch.tensor(...)`",
    "rank": "`x.dim()`", "shape_": "`x.shape`", "invert": "`torch.linalg.inv(x)`", "clip_": "`x.clamp_(...)`",
    "random": "`torch.rand(...)` or `torch.randn(...)`", "average": "`x.mean()`", "power": "`x.pow(...)`",
    "dims": "`x.dim()`", "fill": "`x.fill_(value)`", "zero": "`x.zero_()`", "to_numpy": "`x.numpy()`",
}  # fmt: skip
#: The same of keywords.
_WORDS = {
    "learning_rate": "lr", "axis": "dim", "keepdims": "keepdim", "batchsize": "batch_size",
    "input_size": "in_features", "output_size": "out_features", "size": "in_features", "type": "dtype",
    "grad": "requires_grad", "decay": "weight_decay", "filters": "out_channels", "kernel": "kernel_size",
    "reduce": "reduction", "workers": "num_workers",
}  # fmt: skip
#: How modules are imported: their code, a word at a time, so that no catalog takes it for a text.
_USUAL = {
    "numpy": ("import", "numpy", "as", "np"),
    "torch": ("import", "torch"),
    "torch.nn": ("from", "torch", "import", "nn"),
    "torch.nn.functional": ("import", "torch.nn.functional", "as", "F"),
}


@certain
def missing_word(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a variable, a module to import or a keyword of a call was asked for that is not there."""
    missing = step.error.missing if step.error is not None else None
    return _missing(step) if missing is not None and missing.kind in _WORDS_ALONE else None


@fallback
def missing_name(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an attribute, a key or a position was asked for that is not there."""
    return _missing(step)


def _missing(step: Step) -> Explanation | None:
    error = step.error
    missing = error.missing if error is not None else None
    if error is None or missing is None:
        return None
    told = _TELLERS[missing.kind](step, error, missing)
    if told is None:
        return None
    title, text, fix = told
    return Explanation("missing-name", "error", title, text, fix)


# ── what is missing ──────────────────────────────────────────────────────────

_Told = tuple[str, str, str | None]


def _name(step: Step, error: ErrorFacts, missing: Missing) -> _Told:
    if _GAP.fullmatch(missing.name):
        return fill(_GAP_TITLE, name=missing.name), fill(_GAP_TEXT, name=missing.name), None
    if missing.later:
        return fill(_LATER_TITLE, name=missing.name), fill(_LATER, name=missing.name), None
    line = " ".join(_USUAL.get(missing.owner, ())) or None
    usual = _SO_CALLED if missing.name == missing.owner else _IMPORTED
    imported = fill(usual, module=missing.owner, code=line) if line is not None else ""
    near = "" if line is not None else _near(missing)
    fix = f"{line}\n{step.source}" if line is not None else None
    text = fill(_NAME, name=missing.name, imported=imported, near=near)
    return fill(_NAME_TITLE, name=missing.name), text, fix


def _attribute(step: Step, error: ErrorFacts, missing: Missing) -> _Told:
    fields = {"name": missing.name, "owner": _short(missing.owner)}
    if missing.type == "NoneType":
        hint = fill(_NONE_FROM, owner=fields["owner"])
        return fill(_NONE_TITLE, **fields), fill(_NONE, hint=hint, **fields), None
    if missing.type == "module":
        return fill(_MODULE_TITLE, **fields), fill(_MODULE, near=_near(missing), **fields), None
    article = "an" if missing.type[:1] in "AEIOUaeiou" else "a"
    kind = phrase(_OF_TYPE, article=article, type=missing.type)
    title = fill(_ATTRIBUTE_TITLE, kind=kind[:1].upper() + kind[1:], name=missing.name)
    meaning = _MEANINGS.get(missing.name) if missing.type in ("Tensor", "Parameter") else None
    near = fill(_MEANS, there=meaning) if meaning is not None else _near(missing)
    return title, fill(_ATTRIBUTE, kind=kind, near=near, **fields), None


def _import(step: Step, error: ErrorFacts, missing: Missing) -> _Told:
    if missing.owner:
        fields = {"name": missing.name, "owner": missing.owner}
        return fill(_MODULE_TITLE, **fields), fill(_MODULE, near=_near(missing), **fields), None
    title = fill(_IMPORT_TITLE, name=missing.name)
    return title, fill(_IMPORT, name=missing.name, near=_near(missing)), None


def _keyword(step: Step, error: ErrorFacts, missing: Missing) -> _Told | None:
    call = error.failed
    if call is None:
        return None
    meant = _WORDS.get(missing.name)
    near = (meant,) if meant is not None and meant in call.parameters else missing.near
    fields = {"name": missing.name, "owner": missing.owner}
    taken = code_list([one for one in call.parameters if one != "self"], most=12)
    text = fill(_KEYWORD, code=_short(call.expression), near=_alike(near), taken=taken, **fields)
    return fill(_KEYWORD_TITLE, **fields), text, None


def _key(step: Step, error: ErrorFacts, missing: Missing) -> _Told:
    fields = {"name": f'`"{missing.name}"`', "owner": _short(missing.owner)}
    count = missing.length or 0
    entries = phrase(_NO_ENTRIES if not count else _ONE_ENTRY if count == 1 else _ENTRIES, count=count)
    near = _alike([f'"{one}"' for one in missing.near])
    return fill(_KEY_TITLE, **fields), fill(_KEY, entries=entries, near=near, **fields), None


def _position(step: Step, error: ErrorFacts, missing: Missing) -> _Told:
    kind = translated(missing.type) if missing.type in _KINDS else missing.type
    fields = {"name": missing.name, "owner": _short(missing.owner), "type": kind}
    title = fill(_POSITION_TITLE, **fields)
    count = missing.length or 0
    if not count:
        return title, fill(_POSITION_EMPTY, **fields), None
    reach = phrase(_REACH, last=count - 1, count=count)
    return title, fill(_POSITION, members=count_text(count, "element"), range=reach, **fields), None


_TELLERS = {
    "name": _name,
    "attribute": _attribute,
    "import": _import,
    "keyword": _keyword,
    "key": _key,
    "position": _position,
}


def _near(missing: Missing) -> str:
    return _alike(missing.near)


def _alike(names: Sequence[str]) -> str:
    return fill(_NEAR, names=code_list(list(names))) if names else ""


def _short(code: str) -> str:
    return code if len(code) <= _LONGEST_CODE else f"{code[: _LONGEST_CODE - 1]}…"
