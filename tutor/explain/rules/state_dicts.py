"""Loading values into a model: which names and sizes differ, and what is no state dict."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from tutor.explain import calls
from tutor.explain.elsewhere import articled, call_of, changed
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing
from tutor.explain.wording import code_list, fill, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

_A_TEXT = "a text"
_MORE = ", and {count} more differ so"
_PROBLEMS = ("{count} missing", "{count} unexpected", "{count} of another size")
_LOAD = "torch.nn.Module.load_state_dict"

# ── state-dict-mismatch ──────────────────────────────────────────────────────

_THE_STATE, _THE_MODEL = "the state dict", "the model"
_TITLE = "`{given}` does not fit `{model}`: {problems}"
_TEXT = """
`{model}` is {article} and takes a value for each of its parameters and buffers, by name and of the same size.
{differences} {why}
"""
_MISSING = "In `{given}` there is nothing for {names}."
_UNEXPECTED = "`{given}` has {names}, which `{model}` does not have."
_SIZE = "`{name}` is {mine} in `{model}` and {theirs} in `{given}`{more}."
_PREFIX = """
All names in `{given}` begin with `{prefix}`, as they do when a model was wrapped (by DataParallel, or as a
part of another): take it off, `{{k.removeprefix("{prefix}"): v for k, v in {given}.items()}}`.
"""
_NO_PREFIX = """
The names in `{given}` lack `{prefix}`, with which those of `{model}` begin: load it into that part,
`{model}.{part}`.
"""
_INSIDE = """
`{given}` is a checkpoint with the entries {keys}, and the state dict is one of them: load `{inner}`.
"""
_SIZES = """
The layers were made with other sizes than those that were saved: make the model with the sizes of the saved
one. `strict=False` does not help, it passes over names only.
"""
_NAMES = """
Most often the model was built otherwise when it was saved: make it with the same layers under the same names.
`strict=False` would load what fits and leave the rest at random values, without a word.
"""
_OPTIMIZER = """
`{given}` is the state of an optimizer: load that into the optimizer, `optimizer.load_state_dict(...)`, and
the model's own into the model.
"""
_WRAPS = ("model", "state_dict", "model_state_dict", "net", "model_state", "network", "weights", "module")


@failure
def state_dict_mismatch(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a state dict lacks names of a model, has others, or values of other sizes."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or call.name != _LOAD or call.module is None:
        return None
    missing, unexpected = _names(error.message, "Missing"), _names(error.message, "Unexpected")
    sizes = re.findall(r"size mismatch for ([\w.]+): .*?Size\((\[.*?\])\).*?Size\((\[.*?\])\)", error.message)
    argument = calls.argument(call, "state_dict")
    if argument is None or not (missing or unexpected or sizes):
        return None
    given, model = argument.text or phrase(_THE_STATE), call.module.path or phrase(_THE_MODEL)
    mine = {name: _learners(call, name) for name in [*missing, *(one[0] for one in sizes)]}
    fields = {"given": given, "model": model}
    parts = []
    if missing:
        parts.append(fill(_MISSING, names=code_list([mine[one] for one in missing], most=4), **fields))
    if unexpected:
        parts.append(fill(_UNEXPECTED, names=code_list([f'"{one}"' for one in unexpected], most=4), **fields))
    if sizes:
        name, theirs, own = sizes[0]
        more = fill(_MORE, count=len(sizes) - 1) if len(sizes) > 1 else ""
        sized = {"name": mine[name], "mine": own, "theirs": theirs, "more": more}
        parts.append(fill(_SIZE, **sized, **fields))
    why, code = _why(argument, missing, unexpected, bool(sizes), fields)
    found = failing(step)
    node = calls.node_of(found, call, argument) if found is not None and code is not None else None
    fix = changed(found, node, code) if code is not None else _into_part(found, missing, unexpected)
    counts = zip(_PROBLEMS, (len(missing), len(unexpected), len(sizes)), strict=True)
    problems = ", ".join(fill(word, count=count) for word, count in counts if count)
    text = fill(_TEXT, article=articled(call.module.type), differences=" ".join(parts), why=why, **fields)
    return Explanation("state-dict-mismatch", "error", fill(_TITLE, problems=problems, **fields), text, fix)


def _into_part(found: Failing | None, missing: Sequence[str], unexpected: Sequence[str]) -> str | None:
    """The fix that loads into the one part of the model whose names were saved."""
    part, call = _prefix(missing, unexpected).rstrip("."), call_of(found)
    if not part or call is None or not isinstance(call.func, ast.Attribute):
        return None
    if not all(one.isidentifier() for one in part.split(".")):
        return None
    return changed(found, call.func.value, f"{ast.unparse(call.func.value)}.{part}")


def _names(message: str, kind: str) -> list[str]:
    told = re.search(rf"{kind} key\(s\) in state_dict: (.*?)\.\s*(?:\n|$)", message)
    return re.findall(r'"([^"]+)"', told[1]) if told is not None else []


def _learners(call: FailedCall, name: str) -> str:
    """The learner's path of a parameter: `net[0].weight` of `0.weight`."""
    path = call.module.path if call.module is not None else ""
    for part in name.split("."):
        path = f"{path}[{part}]" if part.isdecimal() and path else f"{path}.{part}" if path else part
    return path


def _why(
    argument: Argument, missing: Sequence[str], unexpected: Sequence[str], sizes: bool, fields: dict[str, str]
) -> tuple[str, str | None]:
    """What explains the differences, and what should be loaded where that is certain."""
    given = fields["given"]
    if set(unexpected) == {"state", "param_groups"}:
        return fill(_OPTIMIZER, given=given), None
    inner = next((one for one in _WRAPS if one in unexpected), None)
    if inner is not None and missing and not any("." in one for one in unexpected):
        code = f'{given}["{inner}"]' if _can_index(given) else None
        inside = code or f'{given}["{inner}"]'
        return fill(_INSIDE, keys=code_list(list(unexpected), most=4), inner=inside, given=given), code
    for longer, shorter, template in ((unexpected, missing, _PREFIX), (missing, unexpected, _NO_PREFIX)):
        prefix = _prefix(longer, shorter)
        if prefix:
            code = None
            if template is _PREFIX and _can_index(given):
                code = f'{{k.removeprefix("{prefix}"): v for k, v in {given}.items()}}'
            return fill(template, prefix=prefix, part=prefix.rstrip("."), **fields), code
    return fill(_SIZES if sizes and not missing and not unexpected else _NAMES), None


def _can_index(code: str) -> bool:
    return bool(re.fullmatch(r"[\w.]+(\(.*\)|\[.*\])*", code))


def _prefix(longer: Sequence[str], shorter: Sequence[str]) -> str:
    """What stands before every one of the shorter names in the longer ones; empty where nothing does."""
    if not longer or len(longer) != len(shorter):
        return ""
    prefixes = {
        long[: len(long) - len(short)]
        for long, short in zip(sorted(longer), sorted(shorter), strict=True)
        if long.endswith(short)
    }
    whole = all(long.endswith(short) for long, short in zip(sorted(longer), sorted(shorter), strict=True))
    return prefixes.pop() if whole and len(prefixes) == 1 else ""


# ── no-state-dict ────────────────────────────────────────────────────────────

_NOT_TITLE = "`{given}` is {what}, and `load_state_dict` takes a state dict"
_NOT = """
A state dict is a dictionary of names and tensors, as `model.state_dict()` gives it. `{given}` is {what}.
{instead}
"""
_PATH = "To read it from that file first: `torch.load({given})`."
_MODULE = "To copy the values of that model: `{given}.state_dict()`."
_METHOD = "Without brackets that is the method itself: `{given}()`."
_PARAMETERS = "`.parameters()` has no names: use `.state_dict()`."


@failure
def no_state_dict(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a module is to load something that is no dictionary: a path, a module, a method."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or call.name != _LOAD:
        return None
    argument = calls.argument(call, "state_dict")
    if argument is None or argument.kind == "dict" or not argument.type or not argument.text:
        return None
    text, code, instead = argument.text, None, ""
    if argument.kind == "text" or argument.type.endswith("Path"):
        code, instead = f"torch.load({text})", _PATH
    elif argument.kind == "module":
        code, instead = f"{text}.state_dict()", _MODULE
    elif argument.kind == "function" and text.endswith("state_dict"):
        code, instead = f"{text}()", _METHOD
    elif argument.kind == "iterator" and text.endswith(".parameters()"):
        code, instead = f"{text.removesuffix('.parameters()')}.state_dict()", _PARAMETERS
    found = failing(step)
    node = calls.node_of(found, call, argument) if found is not None and code is not None else None
    fix = changed(found, node, code) if code is not None else None
    what = phrase(_A_TEXT) if argument.kind == "text" else calls.what(argument)
    fields = {"given": text, "what": what}
    told = fill(_NOT, instead=fill(instead, given=text), **fields)
    return Explanation("no-state-dict", "error", fill(_NOT_TITLE, **fields), told, fix)
