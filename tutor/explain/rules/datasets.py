"""Datasets: how many samples there are, how one is asked for, and what may be in it."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls
from tutor.explain.elsewhere import Defined, call_of, codes, defined, last_set
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing
from tutor.explain.wording import and_text, count_text, fill, phrase, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

_MORE_SIZES = "{number} more"
_OF_TYPE = "{article} {type}"
_DATA = "torch.utils.data."
LOADER = "torch.utils.data.DataLoader.__iter__"

# ── dataset-length ───────────────────────────────────────────────────────────

_LENGTH_TITLE = "The length of the dataset is not known: {type} has none"
_LENGTH = """
`{code}` needs to know how many samples there are, from `len(dataset)`, to know which to ask for. The
dataset is {what}, and that has no `__len__`. {repair}
"""
_LENGTH_OWN = "Add it to {type} ({at}): `def __len__(self): return len({data})`."
_LENGTH_STREAM = """
An IterableDataset gives samples one after the other and need not know how many: go through the loader with
`for`, without `len`.
"""
_LENGTH_GENERATOR = """
A generator can be gone through once only: make a list of it, `list(...)`, or an IterableDataset.
"""
_LENGTH_OTHER = "A dataset is a list, a tensor, or an object with `__len__` and `__getitem__`."


_NO_NUMBER_TITLE = "`__len__` of {type} gives no number"
_NO_NUMBER = """
The loader asks how many samples there are, and `__len__` of {type} ({at}) {gives}: it must return a whole
number, `return len({data})`.
"""
_GIVES = "returns `{returned}`, a {kind}"
_GIVES_NOTHING = "has no `return`, so that it gives None"


@failure
def dataset_length(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the length of a dataset was asked for, by a loader or by `len`, and it has none."""
    error, call, found = step.error, calls.failed(step), failing(step)
    if error is not None and "cannot be interpreted as an integer" in error.message:
        return _no_number(step, past)
    told = re.match(r"object of type '(\w+)' has no len\(\)", error.message) if error is not None else None
    if error is None or told is None or found is None:
        return None
    kind = told[1]
    own = defined(step, past, kind)
    ours = call is not None and call.name.startswith(_DATA)
    asked = call_of(found)
    direct = own is not None and any("Dataset" in base for base in own.bases) and asked is not None
    if not ours and not direct:
        return None
    if own is not None and any("IterableDataset" in base for base in own.bases):
        repair = fill(_LENGTH_STREAM)
    elif own is not None:
        repair = fill(_LENGTH_OWN, type=kind, at=own.at, data=_indexed(own) or "self.data")
    else:
        repair = fill(_LENGTH_GENERATOR if kind == "generator" else _LENGTH_OTHER)
    code = call.expression if ours and call is not None else ast.unparse(asked) if asked is not None else kind
    what = phrase(_OF_TYPE, article="an" if kind[:1].lower() in "aeiou" else "a", type=kind)
    text = fill(_LENGTH, code=_short(code), what=what, repair=repair)
    return Explanation(
        "dataset-length", "error", fill(_LENGTH_TITLE, type=what if own is None else kind), text
    )


def _no_number(step: Step, past: Past) -> Explanation | None:
    """What to say where `__len__` gives something else than a number, or nothing."""
    call, found = loading(step), failing(step)
    made = _loader_made(step, past, found) if call is not None and found is not None else None
    dataset = made.args[0] if made is not None and made.args else None
    if isinstance(dataset, ast.Name) and found is not None:
        binding = last_set(step, past, found, dataset.id)
        dataset = binding.value if binding is not None else None
    own = defined(step, past, ast.unparse(dataset.func)) if isinstance(dataset, ast.Call) else None
    method = own.methods.get("__len__") if own is not None else None
    if own is None or method is None or step.error is None:
        return None
    kind = re.sub(r"^'(?:torch\.)?(\w+)'.*", r"\1", step.error.message)
    returned = next((n.value for n in ast.walk(method) if isinstance(n, ast.Return) and n.value), None)
    gives = (
        fill(_GIVES, returned=ast.unparse(returned), kind=kind) if returned is not None else _GIVES_NOTHING
    )
    fields = {"type": own.node.name, "at": own.code.at(method), "gives": gives}
    text = fill(_NO_NUMBER, data=_indexed(own) or "self.data", **fields)
    return Explanation("dataset-length", "error", fill(_NO_NUMBER_TITLE, **fields), text)


def _indexed(own: Defined) -> str:
    """What `__getitem__` takes the sample from: `self.rows` of `self.rows[i]`."""
    method = own.methods.get("__getitem__")
    names = [one.arg for one in method.args.args[1:2]] if method is not None else []
    for node in ast.walk(method) if method is not None else ():
        if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Attribute):
            continue
        if ast.unparse(node.slice) in names:
            return ast.unparse(node.value)
    return ""


def _short(code: str) -> str:
    code = " ".join(code.split())
    return code if len(code) <= 80 else f"{code[:79]}…"


# ── dataset-item ─────────────────────────────────────────────────────────────

_ITEM_TITLE = "{type} does not say what sample number i is"
_ITEM = """
A loader asks a dataset for each sample by its number, `dataset[i]`, which Python turns into
`dataset.__getitem__(i)`. {problem}
"""
_ITEM_NONE = """
{type}{at} has no `__getitem__`: add `def __getitem__(self, i):`, which returns one sample.{near}
"""
_THE_DATASET = "The dataset"
_ITEM_NEAR = " It has `{name}`, which nobody calls."
_ITEM_WRONG = """
{type} defines `__getitem__({written})` ({at}): it must take `self` and the number, `__getitem__(self, i)`.
"""


@failure
def dataset_item(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a dataset has no `__getitem__`, or one that takes no number, and a sample is asked for."""
    error, call = step.error, calls.failed(step)
    if error is None:
        return None
    told = re.match(r"(\w+)\.__getitem__\(\) (?:takes|missing)", error.message)
    absent = "implement __getitem__" in error.message
    bare = re.match(r"'(\w+)' object is not subscriptable", error.message)
    ours = call is not None and call.name.startswith(_DATA)
    kind = told[1] if told is not None else bare[1] if bare is not None and ours else ""
    own = defined(step, past, kind) if kind else _without_item(step, past) if absent else None
    if told is not None and own is not None and "__getitem__" in own.methods:
        method = own.methods["__getitem__"]
        fields = {"type": kind, "written": ast.unparse(method.args), "at": own.code.at(method)}
        problem = fill(_ITEM_WRONG, **fields)
    elif absent or (bare is not None and own is not None):
        kind = own.node.name if own is not None else phrase(_THE_DATASET)
        names = [one for one in own.methods if "item" in one.lower()] if own is not None else []
        near = fill(_ITEM_NEAR, name=names[0]) if names else ""
        at = f" ({own.at})" if own is not None else ""
        problem = fill(_ITEM_NONE, type=kind, at=at, near=f" {near}" if near else "")
    else:
        return None
    return Explanation("dataset-item", "error", fill(_ITEM_TITLE, type=kind), fill(_ITEM, problem=problem))


def _without_item(step: Step, past: Past) -> Defined | None:
    """The one class of datasets in the code that lacks `__getitem__`."""
    found: dict[str, Defined] = {}
    for code in codes(step, past):
        for root in code.tree:
            for node in ast.walk(root):
                if isinstance(node, ast.ClassDef) and node.name not in found:
                    found[node.name] = Defined(code, node)
    lacking = [
        one
        for one in found.values()
        if any(base.endswith("Dataset") for base in one.bases)
        and "__getitem__" not in one.methods
        and "__iter__" not in one.methods
    ]
    return lacking[0] if len(lacking) == 1 else None


# ── dataset-index ────────────────────────────────────────────────────────────

_INDEX_TITLE = "Sample {index} is asked for, and `{data}` has {count}"
_INDEX = """
`{code}` in `__getitem__` of {type} asks `{data}` for number {index}, and it has {members},
{numbers}. {why}
"""
_INDEX_LENGTH = """
The loader asks for as many samples as `__len__` says, and that returns `{returned}` ({at}): it has to be
`len({data})`.
"""
_INDEX_EMPTY = "`{data}` is empty: nothing was put into it before."
_NUMBERS, _NO_NUMBERS = "with the numbers 0 to {last}", "none at all"


@failure
def dataset_index(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a dataset's `__getitem__` asks its data for a number that is not there."""
    error = step.error
    if error is None or error.type != "IndexError" or not error.frames:
        return None
    frame, found = error.frames[-1], failing(step)
    if frame.function != "__getitem__" or found is None or not isinstance(found.expression, ast.Subscript):
        return None
    data = ast.unparse(found.expression.value)
    asked = found.expression.slice
    index = found.numbers.get(ast.unparse(asked))
    missing, facts = error.missing, found.tensors.get(data)
    if missing is not None and missing.kind == "position" and missing.length is not None:
        count, index = missing.length, int(missing.name)
    elif facts is not None and facts.shape:
        count = facts.shape[0]
    else:
        return None
    if index is None or -count <= index < count:
        return None
    own = _class_at(step, past, frame.first_line)
    if own is None:
        return None
    length = own.methods.get("__len__")
    returned = (
        next((n.value for n in ast.walk(length) if isinstance(n, ast.Return)), None) if length else None
    )
    why = fill(_INDEX_EMPTY, data=data) if not count else ""
    if returned is not None and length is not None and ast.unparse(returned) != f"len({data})":
        why = fill(_INDEX_LENGTH, returned=ast.unparse(returned), at=own.code.at(length), data=data)
    members = count_text(count, "element")
    numbers = phrase(_NUMBERS, last=count - 1) if count else _NO_NUMBERS
    fields = {"code": ast.unparse(found.expression), "type": own.node.name, "data": data, "index": index}
    text = fill(_INDEX, members=members, numbers=numbers, why=why, **fields)
    title = fill(_INDEX_TITLE, index=index, data=data, count=members)
    return Explanation("dataset-index", "error", title, text)


def _class_at(step: Step, past: Past, line: int) -> Defined | None:
    """The class whose method begins on a line."""
    for code in codes(step, past):
        for root in code.tree:
            for node in ast.walk(root):
                if isinstance(node, ast.ClassDef):
                    own = Defined(code, node)
                    if any(code.line(method) == line for method in own.methods.values()):
                        return own
    return None


# ── dataset-keys ─────────────────────────────────────────────────────────────

_KEYED_TITLE = "The loader asks for sample {key}, and the dataset has no such key"
_KEYED = """
`{code}` asks the dataset for its samples by number, 0 first, and the dataset is {what}, which has no key
{key}. {choice}
"""
_LIKE_DICT = "`{name}`, a dictionary or the like"
_SOME_DICT = "something like a dictionary"
_OF_DICT = "Give the loader a list: `list({name}.values())`, or `list({name}.items())` with the keys."


@failure
def dataset_keys(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a loader asks by number for the samples of a dictionary, which is asked by key."""
    error, call, found = step.error, loading(step), failing(step)
    if error is None or call is None or found is None or error.type != "KeyError" or call.inner is not None:
        return None
    if not error.message.isdigit() or error.frames[-1].function == "__getitem__":
        return None
    made = _loader_made(step, past, found)
    name = ast.unparse(made.args[0]) if made is not None and made.args else ""
    choice = fill(_OF_DICT, name=name) if name.isidentifier() else ""
    what = phrase(_LIKE_DICT, name=name) if name else _SOME_DICT
    fields = {"code": _short(call.expression), "key": error.message, "what": what, "choice": choice}
    return Explanation("dataset-keys", "error", fill(_KEYED_TITLE, **fields), fill(_KEYED, **fields))


def _loader_made(step: Step, past: Past, found: Failing) -> ast.Call | None:
    """The call that made the loader which the failing statement goes through."""
    inside = [one for each in found.nodes for one in ast.walk(each)]
    if isinstance(found.statement, ast.For):
        inside.extend(ast.walk(found.statement.iter))
    for node in inside:
        value: ast.AST | None = node
        if isinstance(node, ast.Name) and (binding := last_set(step, past, found, node.id)) is not None:
            value = binding.value
        if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "DataLoader":
            return value
    return None


# ── collate-sizes, collate-types ─────────────────────────────────────────────

_SIZES_TITLE = "The samples of a batch have different sizes: {sizes}"
_SIZES = """
`{code}` puts samples together into a batch by stacking them, which needs the same size of all: here they are
{sizes}. {choice}
"""
_SIZES_CHOICE = """
Either make them equal in the dataset, by cropping, resizing or padding; or give the loader a `collate_fn`
that pads each batch, for instance with `torch.nn.utils.rnn.pad_sequence`.
"""
_LISTS = """
`{code}` puts samples together into a batch position by position, which needs as many members in each: here
there are {sizes}. {choice}
"""
_TYPES_TITLE = "A batch cannot be made of samples {what}"
_TYPES = "`{code}` puts {count} together into a batch, {what}. {repair}"
_NONE = """
None is what a `__getitem__` without `return` gives{at}, and what is often kept for a sample that could not be
read: return a tensor each time, or leave such samples out when the dataset is made.
"""
_OTHER_KEYS = "with different keys"
_HOLD_NONE, _HOLD = "that hold None", "that hold something of type {type}"
_AS_IN = " (as in {type}, {at})"
_ALL_ARE, _OF_ONE_TYPE, _OF_TYPES = "that are all {type}", "of type {type}", "of the types {types}"
_OBJECTS = """
A loader knows how to put tensors, arrays, numbers, texts, and lists and dictionaries of them together: turn
each sample into tensors in `__getitem__`, or give the loader a `collate_fn` of yours.
"""
_NAMED = re.compile(r"found <class '(?:\w+\.)*(\w+)'>")
_MIXED = "All samples must be of one kind: return the same kind from `__getitem__` each time."
_KEYS = """
`{code}` puts dictionaries together key by key, and not every sample has the key {key}. Give every sample
the same keys.
"""


@failure
def collate_sizes(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a loader cannot stack the samples of a batch, because their sizes differ."""
    call = loading(step)
    inner = list(calls.chain(call))[-1] if call is not None else None
    if call is None or inner is None or inner is call:
        return None
    code = _short(call.expression)
    shapes = list(dict.fromkeys(one.shape for one in calls.tensors(inner) if one.shape is not None))
    if inner.name == "torch.stack" and len(shapes) > 1:
        sizes = _joined([shape_text(one) for one in shapes])
        text = fill(_SIZES, code=code, sizes=sizes, choice=fill(_SIZES_CHOICE))
        return Explanation("collate-sizes", "error", fill(_SIZES_TITLE, sizes=sizes), text)
    batch = calls.argument(inner, "batch")
    lengths = list(dict.fromkeys(batch.lengths)) if batch is not None else []
    if len(lengths) > 1:
        sizes = _joined([str(one) for one in lengths])
        text = fill(_LISTS, code=code, sizes=sizes, choice=fill(_SIZES_CHOICE))
        return Explanation("collate-sizes", "error", fill(_SIZES_TITLE, sizes=sizes), text)
    return None


def _joined(sizes: list[str]) -> str:
    """`[2], [3] and [1]`."""
    return and_text(sizes if len(sizes) <= 4 else [*sizes[:3], phrase(_MORE_SIZES, number=len(sizes) - 3)])


@failure
def collate_types(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a loader cannot make a batch of what a dataset gives: None, objects, mixed kinds, keys."""
    error, call = step.error, loading(step)
    inner = list(calls.chain(call))[-1] if call is not None else None
    if error is None or call is None or inner is None:
        return None
    if error.type not in ("TypeError", "KeyError") and inner.name != "torch.tensor":
        return None
    batch = calls.argument(inner, "batch", "data")
    if batch is None or not batch.types:
        return None
    code = _short(call.expression)
    if error.type == "KeyError":
        text = fill(_KEYS, code=code, key=f'"{error.message.strip(chr(39))}"')
        return Explanation("collate-types", "error", fill(_TYPES_TITLE, what=_OTHER_KEYS), text)
    what, inside = _kinds(batch), _NAMED.search(error.message)
    if inside is not None and inside[1] not in batch.types:  # in a tuple, a list or a dictionary
        what = _HOLD_NONE if inside[1] == "NoneType" else phrase(_HOLD, type=inside[1])
    if "NoneType" in batch.types or (inside is not None and inside[1] == "NoneType"):
        own = _returns_nothing(step, past)
        at = phrase(_AS_IN, type=own.node.name, at=own.at) if own is not None else ""
        repair = fill(_NONE, at=at)
    else:
        repair = fill(_MIXED if len(batch.types) > 1 else _OBJECTS)
    text = fill(_TYPES, code=code, what=what, count=count_text(batch.length or 0, "sample"), repair=repair)
    return Explanation("collate-types", "error", fill(_TYPES_TITLE, what=what), text)


def _kinds(batch: Argument) -> str:
    named = ["None" if one == "NoneType" else one for one in batch.types[:4]]
    if len(named) == 1:
        return phrase(_ALL_ARE if named[0] == "None" else _OF_ONE_TYPE, type=named[0])
    return phrase(_OF_TYPES, types=and_text(named))


def _returns_nothing(step: Step, past: Past) -> Defined | None:
    """A class whose `__getitem__` has no `return` with a value."""
    for code in codes(step, past):
        for root in code.tree:
            for node in ast.walk(root):
                if isinstance(node, ast.ClassDef):
                    own = Defined(code, node)
                    method = own.methods.get("__getitem__")
                    returns = [n for n in ast.walk(method) if isinstance(n, ast.Return)] if method else []
                    yields = method is not None and not any(one.value is not None for one in returns)
                    if yields:
                        return own
    return None


def loading(step: Step) -> FailedCall | None:
    """The failed call, where it goes through a DataLoader."""
    call = calls.failed(step)
    return call if call is not None and call.name == LOADER else None
