"""Loaders, samplers and splits: settings that exclude each other, and values that they cannot take."""

from __future__ import annotations

import ast
import copy
import re

from tutor.explain import calls
from tutor.explain.elsewhere import call_of, changed, last_set
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing
from tutor.explain.wording import code_list, fill, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step
from tutor.translation import translated

_IS_HERE = "`{name}` is {told} here."
_TEXT_HERE = "It is a text here: `int(...)` makes a number of it."
_DATA = "torch.utils.data."

# ── loader-exclusive ─────────────────────────────────────────────────────────

_BOTH_TITLE = "`{one}` and `{other}` exclude each other"
_SAMPLER = """
`{code}` gives both `sampler` and `shuffle=True`. A sampler says in which order samples come, and
`shuffle=True` asks for a sampler of its own that gives a random order: only one can be followed. {choice}
"""
_RANDOM = "{sampler} is random already: leave `shuffle` away."
_CHOOSE = "Leave `shuffle` away to keep the order of `{sampler}`, or leave `sampler` away for a random one."
_BATCHES = """
`{code}` gives `batch_sampler`, which says of each batch which samples are in it, and so decides {others}
too: leave {others} away, or set them in the sampler that makes the batches.
"""
_NO_BATCHES = """
`{code}` has `batch_size=None`, which makes no batches, so that there is no last one to drop: leave {others}
away.
"""
_STREAM = """
`{code}` is to load from `{dataset}`, a {type}: an IterableDataset gives its samples in its own order, so that
{others} cannot choose. Leave {others} away, and mix the samples in its `__iter__` where you need that.
"""


@failure
def loader_exclusive(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a DataLoader is made with settings of which each decides what another decides too."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or call.name != f"{_DATA}DataLoader" or error.type != "ValueError":
        return None
    if call.form != "class":
        return None
    given = {one.parameter: one for one in call.arguments if one.kind != "none"}
    code = _short(call.expression)
    shuffled = "shuffle" in given and given["shuffle"].value != "False"
    if "IterableDataset" in error.message:
        named: tuple[str, ...] = ("shuffle", "sampler", "batch_sampler")
        others = [one for one in named if one in given]
        dataset = given.get("dataset")
        if dataset is None or not others:
            return None
        fields = {"dataset": dataset.text or "it", "type": dataset.type, "others": code_list(others)}
        return _told(_STREAM, others[0], "IterableDataset", code, fields)
    if "batch_sampler" in given:
        others = [one for one in ("batch_size", "shuffle", "sampler", "drop_last") if one in given]
        return (
            _told(_BATCHES, "batch_sampler", others[0], code, {"others": code_list(others)})
            if others
            else None
        )
    if "sampler" in given and shuffled:
        return _sampler(step, past, call, given["sampler"], code)
    none = next((one for one in call.arguments if one.parameter == "batch_size"), None)
    if none is not None and none.kind == "none" and "drop_last" in given:
        return _told(_NO_BATCHES, "batch_size=None", "drop_last", code, {"others": "`drop_last`"})
    return None


def _told(template: str, one: str, other: str, code: str, fields: dict[str, str]) -> Explanation:
    title = fill(_BOTH_TITLE, one=one, other=other)
    return Explanation("loader-exclusive", "error", title, fill(template, code=code, **fields))


def _sampler(step: Step, past: Past, call: FailedCall, sampler: Argument, code: str) -> Explanation:
    found = failing(step)
    random = "Random" in sampler.type
    fix = None
    node = call_of(found)
    if random and node is not None:
        fix = changed(found, node, _without(node, "shuffle"))
    choice = fill(_RANDOM if random else _CHOOSE, sampler=sampler.text or sampler.type)
    choice = choice.replace(sampler.text, f"`{sampler.text}`", 1) if random and sampler.text else choice
    text = fill(_SAMPLER, code=code, choice=choice)
    return Explanation(
        "loader-exclusive", "error", fill(_BOTH_TITLE, one="sampler", other="shuffle"), text, fix
    )


def _without(node: ast.Call, keyword: str) -> str:
    """The code of a call without one of its keywords."""
    changed_call = copy.copy(node)
    changed_call.keywords = [one for one in node.keywords if one.arg != keyword]
    return ast.unparse(changed_call)


def _short(code: str) -> str:
    return code if len(code) <= 80 else f"{code[:79]}…"


# ── loader-setting ───────────────────────────────────────────────────────────

_SETTING_TITLE = "`{value}` cannot be the `{setting}` of {owner}"
_SETTING = "{given} `{setting}` of {owner} is {meaning}, and it must be {must}. {hint}"
_WHOLE = "a whole number, 1 or greater"
_SETTINGS = {
    "batch_size": ("how many samples make one batch", _WHOLE, 1),
    "num_workers": ("how many other processes load samples", "a whole number, 0 (none) or greater", 0),
    "timeout": ("how many seconds to wait for a batch", "a number, 0 (for ever) or greater", 0),
    "num_samples": ("how many samples are drawn", _WHOLE, 1),
    "prefetch_factor": ("how many batches a worker loads ahead", "left away while there are no workers", 0),
    "persistent_workers": ("whether workers outlive a round", "left away while there are no workers", 0),
}  # fmt: skip
_NEEDS_WORKERS = """
Workers are asked for with `num_workers=2`, say; without them this process loads the samples.
"""
_FLOAT = """
It is not whole because of a division with `/`, or was written so: `int(...)` makes a whole number of it.
"""
_THE_DATASET = "the dataset"
_EMPTY_TITLE = "The dataset is empty"
_EMPTY = """
`{code}` is to draw samples from `{dataset}`, and its length is 0. Nothing was put into it: look where it is
filled, and at paths and filters that may have let nothing through.
"""


@failure
def loader_setting(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a loader or sampler gets a number that makes no sense for it, or an empty dataset."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or call.form != "class" or not call.name.startswith(_DATA):
        return None
    if error.type not in ("ValueError", "TypeError"):
        return None
    owner = call.name.rpartition(".")[2]
    dataset = calls.argument(call, "dataset", "data_source")
    if dataset is not None and dataset.length == 0 and "num_samples" in error.message:
        text = fill(_EMPTY, code=_short(call.expression), dataset=dataset.text or _THE_DATASET)
        return Explanation("loader-setting", "error", _EMPTY_TITLE, text)
    for argument in call.arguments:
        if argument.parameter in _SETTINGS and _is_wrong(call, argument):
            return _setting(step, call, argument, owner)
    return None


def _is_wrong(call: FailedCall, argument: Argument) -> bool:
    least = _SETTINGS[argument.parameter][2]
    workers = calls.number(calls.argument(call, "num_workers")) or 0
    if argument.parameter in ("prefetch_factor", "persistent_workers"):
        return workers == 0 and argument.value not in ("None", "False")
    if argument.kind == "none":
        return False
    if argument.parameter == "timeout":
        return argument.kind == "number" and (argument.value or "").startswith("-")
    number = calls.number(argument)
    return argument.type != "" and (number is None or number < least)


def _setting(step: Step, call: FailedCall, argument: Argument, owner: str) -> Explanation:
    name = argument.parameter
    meaning, must, _ = _SETTINGS[name]
    told = calls.said(argument)
    bare = told == calls.label(argument)
    given = fill(_IS_HERE, name=name, told=told) if bare else f"{told[:1].upper()}{told[1:]}."
    hint, code = "", None
    if name in ("prefetch_factor", "persistent_workers"):
        hint = fill(_NEEDS_WORKERS)
    elif argument.type in ("float", "str") and re.fullmatch(r"[\"']?\d+(\.0)?[\"']?", argument.value or ""):
        hint = fill(_FLOAT) if argument.type == "float" else fill(_TEXT_HERE)
        whole = (argument.value or "").strip("\"'").removesuffix(".0")
        literal = argument.text[:1] in "0123456789\"'"
        code = whole if literal else f"int({argument.text})" if argument.text else None
    found = failing(step)
    node = calls.node_of(found, call, argument) if found is not None and code is not None else None
    fix = changed(found, node, code) if code is not None else None
    fields = {"setting": name, "owner": owner, "meaning": meaning, "must": must}
    title = fill(_SETTING_TITLE, value=argument.text or argument.value, **fields)
    return Explanation(
        "loader-setting", "error", title, fill(_SETTING, given=given, hint=hint, **fields), fix
    )


# ── loader-used ──────────────────────────────────────────────────────────────

_A_LIST, _AN_ITERATOR = "a list", "an iterator"
_THERE_ARE, _THERE_ARE_MORE = "there are {count}", "there are more"
_USED_TITLE = "A DataLoader is gone through, it is not {used}"
_INDEXED = """
`{code}` asks for a batch by number, and a loader has none: it makes batches while it is gone through. Take
the first with `next(iter({loader}))`, or one sample from its dataset, `{loader}.dataset[i]`.
"""
_NEXT = """
`next` needs an iterator, and a loader gives a new one for each round: `next(iter({loader}))` is its first
batch.
"""
_UNPACK_TITLE = "A batch of `{loader}` has not {wanted} parts"
_UNPACK = """
`{code}` wants {wanted} parts of each batch, and {got}. A batch has as many parts as a sample of the
dataset: where that is one tensor, the batch is one tensor, and taking it apart gives its rows.
"""


_PART_KINDS = ("list", "tuple", "dict")
_PARTS_TITLE = "`{name}` is a whole batch, a {kind} of its parts"
_PARTS = """
`{name}` is what `{loop}` gives for each batch, a {kind} with one member for each part of a sample, and a
{kind} has no `{attribute}`. Take it apart first, `inputs, targets = {name}`, and ask the parts.
"""
_NUMBER_TITLE = "`{name}` is the number of the batch, not the batch"
_NUMBER = """
`{loop}` gives pairs of a number and a batch, so that `{name}` is a number. Take the batch apart in brackets
of its own: `for i, (inputs, targets) in {source}:`.
"""


@failure
def batch_parts(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a batch is asked for what a tensor has, and is a list of parts, or its number."""
    error, found = step.error, failing(step)
    missing = error.missing if error is not None else None
    if missing is None or found is None or missing.kind != "attribute":
        return None
    if missing.type not in ("list", "tuple", "int") or not missing.owner.isidentifier():
        return None
    binding = last_set(step, past, found, missing.owner)
    loop = binding.statement if binding is not None else None
    if not isinstance(loop, ast.For) or not _goes_through(step, past, found, loop.iter):
        return None
    source = ast.unparse(loop.iter)
    kind = translated(missing.type) if missing.type in _PART_KINDS else missing.type
    fields = {"name": missing.owner, "kind": kind, "attribute": missing.name, "source": source}
    fields["loop"] = f"for {ast.unparse(loop.target).strip('()')} in {source}"
    number = missing.type == "int"
    if number and not source.startswith("enumerate("):
        return None
    text = fill(_NUMBER if number else _PARTS, **fields)
    title = fill(_NUMBER_TITLE if number else _PARTS_TITLE, **fields)
    return Explanation("batch-parts", "error", title, text)


def _goes_through(step: Step, past: Past, found: Failing, source: ast.expr) -> bool:
    """Whether what a loop goes through is a DataLoader, by itself or in `enumerate`."""
    for node in ast.walk(source):
        value: ast.AST | None = node
        if isinstance(node, ast.Name) and (binding := last_set(step, past, found, node.id)) is not None:
            value = binding.value
        if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "DataLoader":
            return True
    return False


@failure
def loader_used(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a DataLoader is indexed or given to `next`, or its batches are taken into too many parts."""
    error, found = step.error, failing(step)
    if error is None or found is None or error.type not in ("TypeError", "ValueError"):
        return None
    node = found.expression
    if error.message == "'DataLoader' object is not subscriptable" and isinstance(node, ast.Subscript):
        text = fill(_INDEXED, code=ast.unparse(node), loader=ast.unparse(node.value))
        return Explanation("loader-used", "error", fill(_USED_TITLE, used=_A_LIST), text)
    if error.message == "'DataLoader' object is not an iterator" and isinstance(node, ast.Call) and node.args:
        loader = ast.unparse(node.args[0])
        fix = changed(found, node.args[0], f"iter({loader})")
        return Explanation(
            "loader-used", "error", fill(_USED_TITLE, used=_AN_ITERATOR), fill(_NEXT, loader=loader), fix
        )
    return _unpacked(step, past, found)


def _unpacked(step: Step, past: Past, found: Failing) -> Explanation | None:
    message = step.error.message if step.error is not None else ""
    told = re.match(r"(?:not enough|too many) values to unpack \(expected (\d+)(?:, got (\d+))?\)", message)
    if told is None:
        return None
    statement = found.statement
    source = statement.iter if isinstance(statement, ast.For) else getattr(statement, "value", None)
    names = [n for n in ast.walk(source) if isinstance(n, ast.Name)] if source is not None else []
    for name in names:
        binding = last_set(step, past, found, name.id)
        made = binding.value if binding is not None else None
        if isinstance(made, ast.Call) and ast.unparse(made.func).rpartition(".")[2] == "DataLoader":
            got = phrase(_THERE_ARE, count=told[2]) if told[2] is not None else _THERE_ARE_MORE
            target = statement.target if isinstance(statement, ast.For) else None
            code = (
                f"for {ast.unparse(target)} in {ast.unparse(source)}" if target is not None and source else ""
            )
            fields = {"loader": name.id, "wanted": told[1]}
            text = fill(_UNPACK, code=code or ast.unparse(statement), got=got, **fields)
            return Explanation("loader-used", "error", fill(_UNPACK_TITLE, **fields), text)
    return None
