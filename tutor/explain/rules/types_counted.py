"""Arguments that are missing, that are too many, or that are given twice."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls, cures, signatures
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import failing, words
from tutor.explain.wording import and_text, code_list, count_text, fill, phrase
from tutor.facts import Explanation, FailedCall, Snapshot, Step

_ONLY = "only {count}"
_NO_ARGUMENT = "no argument"
_MISSING_TITLE = "`{function}` needs {missing}, and `{code}` does not give {it}"
_MISSING = "{given} `{function}` needs {missing} too{kind}. {meaning}"
_GIVES = "`{code}` gives {given}."
_GIVES_NOTHING = "`{code}` gives no argument."
_EXTRA_TITLE = "`{function}` takes {most}, and `{code}` gives {count}"
_EXTRA = """
`{code}` gives {count} by position{listed}, and `{function}` takes {most}{parameters}. {more}
"""
_EXTRA_KEYWORDS = "What else it takes must be given by name: {names}."
_EXTRA_LAYER = "A layer is made with its settings, `{type}(...)`, and called on its input alone."
_A_VALUE = "a value"
_TAKES_GETS = "it takes {taken} and gets {given}"
_TWICE_TITLE = "`{function}` gets `{name}` twice"
_TWICE = """
`{code}` gives {first} by position, which is `{name}`, and `{name}` again by name{second}: each parameter
must be given once only. Leave one of the two away.
"""
_OWN_MISSING = """
`{code}` calls `{function}`, which needs {missing}, and the call does not give {it}. {hint}
"""
_OWN_EXTRA = """
`{code}` gives `{function}` more than it takes: {taken} by position{self_}. {hint}
"""
_OWN_SELF = ", the object itself counted in"
_OWN_HINT = """
In a class every method takes `{first}` first: `def {method}({first}, ...)`; without it the object comes
into the first of the other parameters.
"""
_CLASS_HINT = (
    "Called on the class itself a method gets no object: make one first, `{cls}(...).{method}(...)`."
)

_MISSES = re.compile(
    r"(?:([\w.]+)\(\) )?missing (?:\d+ )?required (?:positional|keyword-only)? ?arguments?:? (.*)", re.DOTALL
)
_COUNTED = re.compile(
    r"([\w.<>]+)\(\) takes (?:from \d+ to )?(\d+|no) (?:positional )?arguments? "
    r"(?:\(\w+ given\)|but (\d+) .*were? given)"
)
_DOUBLED = re.compile(r"([\w.]+)\(\) got multiple values for argument '(\w+)'")

#: What parameters mean that beginners leave out, in a few words.
_MEANINGS = {
    "dim": "`dim` says along which dimension: -1 is the last one, 0 the first.",
    "out_features": "`out_features` is how many numbers the layer gives for each row.",
    "in_features": "`in_features` is the last size of what the layer is called on.",
    "kernel_size": "`kernel_size` is how many pixels the layer looks at in each direction, such as 3.",
    "in_channels": "`in_channels` is the number of channels of the input, 3 for a colour picture.",
    "out_channels": "`out_channels` is how many channels the layer makes.",
    "embedding_dim": "`embedding_dim` is how long the vector of each entry is.",
    "num_embeddings": "`num_embeddings` is how many entries there are: the size of the vocabulary.",
    "num_features": "`num_features` is the number of channels or features, the size of dimension 1.",
    "normalized_shape": "`normalized_shape` is the last size of the input, or the last few.",
    "hidden_size": "`hidden_size` is how many numbers the layer remembers from step to step.",
    "input_size": "`input_size` is how many numbers each step of the sequence has.",
    "target": "`target` is what the prediction is to be compared with.",
    "size": "`size` is the shape of the result, such as `(2, 3)`.",
    "steps": "`steps` is how many numbers there are to be, both ends counted in.",
    "params": "`params` is what to optimize: `model.parameters()`.",
    "optimizer": "`optimizer` is the optimizer whose learning rate is to be changed.",
    "num_heads": "`num_heads` is into how many parts attention is split; it must divide `embed_dim`.",
    "dataset": "`dataset` is where the examples come from.",
    "index": "`index` is a tensor of whole numbers that says which elements.",
    "dim1": "Two dimensions are swapped: `dim0` and `dim1`.",
    "dim0": "Two dimensions are swapped: `dim0` and `dim1`, for example 0 and 1.",
    "other": "`other` is the second operand.",
    "mat2": "`mat2` is the second matrix.",
}  # fmt: skip


@failure
def argument_missing(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a call of torch's leaves out an argument that has no default."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or error.type != "TypeError" or not _of_torch(call):
        return None
    told = _MISSES.search(error.message)
    names: list[str] = re.findall(r"['\"](\w+)['\"]", told[2]) if told is not None else []
    if not names and "invalid combination of arguments" in error.message:
        found = signatures.faults(call)
        if any(one.what != "missing" for one in found):
            return None
        names = [one.parameter.name for one in found if one.parameter is not None]
    if not names or (told is not None and told[1] and not _same(told[1], call)):
        return None
    given = [calls.said(one, listed=True) for one in call.arguments if one.text or one.type]
    kinds = [p.kind for way in signatures.ways(call) for p in way.parameters if p.name == names[0]]
    function = _function(call)
    fields = {"function": function, "code": call.expression, "missing": code_list(names, 6)}
    kind = f", {cures.wanted(kinds[0])}" if kinds and kinds[0] and len(names) == 1 else ""
    text = fill(
        _MISSING,
        given=fill(_GIVES, code=call.expression, given=_joined(given))
        if given
        else fill(_GIVES_NOTHING, code=call.expression),
        kind=kind,
        meaning=" ".join(dict.fromkeys(fill(_MEANINGS[one]) for one in names if one in _MEANINGS)),
        **fields,
    )
    it = "it" if len(names) == 1 else "them"
    return Explanation("argument-missing", "error", fill(_MISSING_TITLE, it=it, **fields), text)


@failure
def argument_extra(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a call of torch's gives more arguments by position than it takes, or one of them twice."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or error.type != "TypeError" or not _of_torch(call):
        return None
    doubled = _DOUBLED.search(error.message)
    if doubled is not None and _same(doubled[1], call):
        return _twice(call, doubled[2])
    told = _COUNTED.search(error.message)
    if told is not None and not _same(told[1], call):
        return None
    found = signatures.faults(signatures.typed(call, error.message))
    if any(one.what == "type" for one in found):
        return None
    twice = next((one for one in found if one.what == "twice" and one.parameter is not None), None)
    if twice is not None and twice.parameter is not None:
        return _twice(call, twice.parameter.name)
    ways = signatures.ways(call)
    if told is None and not any(one.what == "extra" for one in found):
        return None
    own = 1 if call.name.startswith("torch.Tensor.") else 0
    given = [one for one in call.arguments if one.place.isdecimal()][own:]
    positional = [one for way in ways[:1] for one in way.parameters if not one.keyword_only]
    fewest = next((one.most for one in found if one.what == "extra"), None)
    most = len(positional) if ways else int(told[2]) - 1 if told is not None and told[2] != "no" else 0
    most = fewest if fewest is not None else most
    if len(given) <= most:
        return None
    keywords = [one.name for way in ways[:1] for one in way.parameters if one.keyword_only]
    more = fill(_EXTRA_KEYWORDS, names=code_list(keywords, 6)) if keywords else ""
    if call.form == "module" and call.module is not None:
        more, most = fill(_EXTRA_LAYER, type=call.module.type), 1
    fields = {
        "function": _function(call),
        "code": call.expression,
        "most": phrase(_ONLY, count=count_text(most, "argument")) if most else phrase(_NO_ARGUMENT),
        "count": str(len(given)),
    }
    known = [calls.said(one, listed=True) for one in given[:5] if one.type or one.value is not None]
    listed = f", {_joined(known)}" if known else ""
    names = [one.name for one in positional[:most]]
    parameters = f", {code_list(names, 8)}" if names else ""
    text = fill(_EXTRA, listed=listed, parameters=parameters, more=more, **fields)
    return Explanation("argument-extra", "error", fill(_EXTRA_TITLE, **fields), text)


def _twice(call: FailedCall, name: str) -> Explanation:
    same = [one for one in call.arguments if name in (one.parameter, one.place)]
    by_place = next((one for one in same if one.place.isdecimal()), None)
    by_name = next((one for one in same if not one.place.isdecimal()), None)
    fields = {"function": _function(call), "name": name, "code": call.expression}
    text = fill(
        _TWICE,
        first=calls.said(by_place, listed=True) if by_place is not None else _A_VALUE,
        second=f", {calls.said(by_name, listed=True)}" if by_name is not None else "",
        **fields,
    )
    return Explanation("argument-extra", "error", fill(_TWICE_TITLE, **fields), text)


@failure
def own_arguments(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a function or class of the learner's own is called with too few or too many arguments."""
    error = step.error
    if error is None or error.type != "TypeError":
        return None
    misses, counted = _MISSES.match(error.message), _COUNTED.match(error.message)
    told = misses or counted
    call = calls.failed(step)
    if told is None or not told[1] or (call is not None and _of_torch(call) and _same(told[1], call)):
        return None
    found = failing(step)
    node = found.expression if found is not None else None
    if found is None or not isinstance(node, ast.Call):
        return None
    code = words(node, found.source)
    cls, _, method = told[1].rpartition(".")
    cls = cls.rpartition(".")[2]
    of_class = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == cls
    if misses is not None:
        names = re.findall(r"'(\w+)'", misses[2])
        if not names:
            return None
        hint = fill(_CLASS_HINT, cls=cls, method=method) if of_class and method != "__init__" else ""
        it = "it" if len(names) == 1 else "them"
        fields = {"code": code, "function": told[1], "missing": code_list(names, 6), "it": it}
        return Explanation(
            "own-arguments", "error", fill(_MISSING_TITLE, **fields), fill(_OWN_MISSING, hint=hint, **fields)
        )
    assert counted is not None
    taken = 0 if counted[2] == "no" else int(counted[2])
    given = int(counted[3]) if counted[3] else taken + 1
    written = len(node.args)
    in_class = bool(cls) and written < given
    first = "ctx" if ".apply(" in code else "self"
    hint = fill(_OWN_HINT, method=method, first=first) if in_class and taken == written else ""
    fields = {"function": told[1], "code": code, "most": count_text(taken, "argument"), "count": str(given)}
    text = fill(
        _OWN_EXTRA,
        taken=phrase(_TAKES_GETS, taken=taken, given=given),
        self_=_OWN_SELF if in_class else "",
        hint=hint,
        **fields,
    )
    return Explanation("own-arguments", "error", fill(_EXTRA_TITLE, **fields), text)


def _of_torch(call: FailedCall) -> bool:
    """Whether a function or layer of torch was called by its name, and not by an operator."""
    if call.name == "torch.nn.Module":
        return False
    return call.name.startswith(("torch.", "numpy.")) and call.form not in ("operator", "index", "assignment")


def _same(function: str, call: FailedCall) -> bool:
    """Whether the words of an error speak of the failed call, and not of something inside of it."""
    parts = function.removesuffix(".__init__").removesuffix(".forward").split(".")
    mine = call.name.split(".")[-1]
    layer = call.module.type if call.module is not None else ""
    if call.form == "class" and function.endswith("Base.__init__"):
        return True
    return parts[-1] in (mine, layer, mine.rstrip("_")) or (len(parts) > 1 and parts[-2] == mine)


def _function(call: FailedCall) -> str:
    path = call.module.path if call.module is not None else ""
    return path if call.form == "module" and path else call.name


def _joined(parts: list[str]) -> str:
    return and_text(parts) if parts else ""
