"""Attributes that a module lacks, and modules that stand where a tensor or a list is needed."""

from __future__ import annotations

import ast
import re
from difflib import SequenceMatcher

from tutor.explain import calls
from tutor.explain.elsewhere import Defined, articled, codes, defined, last_set, source_of, substitute
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing
from tutor.explain.rules.forwards import READY
from tutor.explain.rules.initialised import like_init
from tutor.explain.wording import code_list, count_text, fill, phrase
from tutor.facts import Explanation, Missing, Snapshot, Step

# ── missing-layer ────────────────────────────────────────────────────────────

_LAYER_TITLE = "{type} has no `{name}`"
_LAYER = "`{owner}.{name}` is asked of {article}, and nothing sets `self.{name}` before that. {why}"
_NEAR = "Its `__init__` sets {near} ({at}): one of these is meant, or a layer is missing there."
_NEAR_ONE = "Its `__init__` sets `self.{near}` ({at}), which is spelled almost so."
_LOCAL = """
`__init__` sets `{name}` without `self.` ({at}), which makes a variable of `__init__` alone that is gone
when it ends: write `self.{name} = {value}` there.
"""
_OTHER = "Only the method `{method}` sets it ({at}), and that has not run before: set it in `__init__`."
_SETS = "What its `__init__` sets: {names}."
_BRANCH = """
`__init__` sets `self.{name}` ({at}), and that line did not run: a condition or a return stands before it.
"""
_NO_INIT = "The class ({at}) has no `__init__` that would set it."


@failure
def missing_layer(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a layer or attribute is asked of a module of the learner's that its class never set."""
    told = _asked(step)
    if told is None:
        return None
    missing, found = told
    own = defined(step, past, missing.type)
    if own is None or missing.owner not in found.modules:
        return None
    if "__init__" not in own.methods and any(like_init(name) for name in own.methods):
        return None
    why, near = _why_missing(own, missing)
    fix = _renamed(found, missing, near) if near is not None else None
    fields = {"owner": missing.owner, "name": missing.name, "type": missing.type, "why": why}
    fields["article"] = articled(missing.type)
    return Explanation("missing-layer", "error", fill(_LAYER_TITLE, **fields), fill(_LAYER, **fields), fix)


def _asked(step: Step) -> tuple[Missing, Failing] | None:
    error, found = step.error, failing(step)
    if error is None or found is None or error.type != "AttributeError" or error.missing is None:
        return None
    return (error.missing, found) if error.missing.kind == "attribute" else None


def _why_missing(own: Defined, missing: Missing) -> tuple[str, str | None]:
    """Why a class of the learner's lacks an attribute, and the one that is surely meant."""
    name, made = missing.name, own.methods.get("__init__")
    sets = own.set_in("__init__")
    for node in ast.walk(made) if made is not None else ():
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name for t in node.targets
        ):
            value = ast.unparse(node.value)
            return fill(_LOCAL, name=name, at=own.code.at(node), value=value), None
    if name in sets:
        return fill(_BRANCH, name=name, at=own.code.at(sets[name][0])), None
    for method in own.methods:
        held = own.set_in(method)
        if method != "__init__" and name in held:
            return fill(_OTHER, method=method, at=own.code.at(held[name][0])), None
    near = [one for one in missing.near if one in sets]
    if len(near) == 1 or (near and _same(near[0], name) and not _same(near[1], name)):
        at = own.code.at(sets[near[0]][0])
        sure = _alike(near[0], name)
        return fill(_NEAR_ONE, near=near[0], at=at), near[0] if sure else None
    if near:
        shown = code_list([f"self.{one}" for one in near])
        return fill(_NEAR, near=shown, at=own.code.at(own.methods["__init__"])), None
    if made is None:
        return fill(_NO_INIT, at=own.at), None
    return fill(_SETS, names=code_list(list(sets), most=6)) if sets else "", None


def _same(one: str, other: str) -> bool:
    return one.lower().replace("_", "") == other.lower().replace("_", "")


def _alike(one: str, other: str) -> bool:
    """Whether two names differ by a slip of the pen, and not in a number."""
    digits = [re.sub(r"\D", "", each) for each in (one, other)]
    return digits[0] == digits[1] and (_same(one, other) or SequenceMatcher(None, one, other).ratio() >= 0.8)


def _renamed(found: Failing, missing: Missing, name: str) -> str | None:
    for node in ast.walk(found.statement):
        if isinstance(node, ast.Attribute) and node.attr == missing.name:
            owner = ast.get_source_segment(found.source, node.value)
            if owner == missing.owner:
                return found.changed(substitute(found.source, node, f"{owner}.{name}"))
    return None


# ── module-attribute ─────────────────────────────────────────────────────────

_OF_TITLE = "{Article} has no `{name}`: that is {where}"
_OF = "`{owner}` is {article}, a module, and modules have no `{name}`. {instead}"
#: What people ask of modules, who has it, and what to write.
_INSTEAD = {
    "device": ("of its parameters", "Each of them has one: `next({owner}.parameters()).device`."),
    "dtype": ("of its parameters", "Each of them has one: `next({owner}.parameters()).dtype`."),
    "is_cuda": ("of its parameters", "Each of them has one: `next({owner}.parameters()).is_cuda`."),
    "requires_grad": (
        "of its parameters",
        "Each parameter has its own; `{owner}.requires_grad_(False)` sets it for all of them.",
    ),
    "grad": (
        "of its parameters",
        "Each has its own: `for name, p in {owner}.named_parameters(): print(name, p.grad)`.",
    ),
    "save": ("torch's", "Save what it has learned: `torch.save({owner}.state_dict(), 'model.pt')`."),
    "save_state_dict": ("torch's", "Save it so: `torch.save({owner}.state_dict(), 'model.pt')`."),
    "add": ("`append`", "A layer is put behind the others by `{owner}.append(layer)`."),
    "load": ("torch's", "Read a file into it: `{owner}.load_state_dict(torch.load('model.pt'))`."),
    "fit": (
        "of other libraries",
        "In torch you write the loop: loss, `loss.backward()`, `optimizer.step()`.",
    ),
    "predict": ("of other libraries", "Call the model: `{owner}(x)`, under `with torch.no_grad():`."),
    "summary": ("of other libraries", "`print({owner})` shows its layers."),
    "step": ("of the optimizer", "Ask the optimizer: `optimizer.step()`."),
    "backward": ("of the loss", "Gradients are asked of the loss, one number: `loss.backward()`."),
    "weights": ("`weight`", "A layer has `weight` and `bias`; `{owner}.named_parameters()` lists all."),
    "layers": ("`children()`", "Its layers are `{owner}.children()`, all below them `{owner}.modules()`."),
}  # fmt: skip
_IN_CHILDREN = "Its layers have one: `{first}`."
_IN_MORE = "Its layers have one: `{first}` and {count} more."
_OF_LAYERS = "of its layers"


@failure
def module_attribute(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a module is asked for what its parameters, its layers, the loss or torch have."""
    told = _asked(step)
    if told is None:
        return None
    missing, found = told
    name, owner = missing.name, missing.owner
    kind = found.modules.get(owner)
    if kind is None or (name == "backward" and kind.endswith("Loss")):
        return None
    below = (f"{owner}[", f"{owner}.")
    inner = [one for one in found.tensors if one.startswith(below) and one.endswith(f".{name}")]
    if name in _INSTEAD:
        where, template = _INSTEAD[name]
        instead = fill(template, owner=owner)
    elif inner:
        where = _OF_LAYERS
        instead = fill(_IN_MORE if inner[1:] else _IN_CHILDREN, first=inner[0], count=len(inner) - 1)
    else:
        return None
    fields = {"type": kind, "name": name, "where": where, "owner": owner, "instead": instead}
    fields["article"] = articled(kind)
    fields["Article"] = fields["article"].capitalize()[0] + fields["article"][1:]
    return Explanation("module-attribute", "error", fill(_OF_TITLE, **fields), fill(_OF, **fields))


# ── module-as-value ──────────────────────────────────────────────────────────

_VALUE_TITLE = "`{name}` is a layer, {type}, where {needed}"
_NEEDED = "{what} is needed"
_TENSOR, _NUMBER, _MEMBERS = "a tensor", "a number or a tensor", "something with members"
_VALUE = "`{code}` needs {what}, and `{name}` is {article}: a layer itself, not what it gives. {why}"
_MADE = """
`{value}` ({at}) made the layer and took what is in the brackets for its settings. Make the layer and call it:
`{kind}(...)({argument})`.
"""
_CALL_IT = "Call it with the data, `{name}(x)`, and go on with what that gives."
_PARAMETERS_TITLE = "`{name}` is a layer, {type}, where its parameters are needed"
_PARAMETERS = "`{code}` goes through parameters, and `{name}` is {article}. Give it `{name}.parameters()`."
_CHILDREN = "Its layers are `{name}.children()`, and its parameters `{name}.parameters()`."
_TENSOR_METHODS = frozenset(
    [
        "sum",
        "mean",
        "shape",
        "size",
        "view",
        "reshape",
        "item",
        "detach",
        "numpy",
        "argmax",
        "max",
        "min",
        "dim",
        "backward",
        "squeeze",
        "unsqueeze",
        "flatten",
        "relu",
        "sigmoid",
        "softmax",
        "tolist",
        "clone",
        "T",
        "t",
        "permute",
        "transpose",
        "matmul",
        "mm",
        "log",
        "exp",
        "pow",
        "abs",
        "std",
        "numel",
        "ndim",
        "chunk",
    ]
)


@failure
def module_as_value(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a layer itself is computed with, gone through or indexed, as if it were what it gives."""
    error, found = step.error, failing(step)
    if error is None or found is None or error.type not in ("TypeError", "AttributeError", "IndexError"):
        return None
    call = calls.failed(step)
    if call is not None and call.name.startswith("torch.optim."):  # what optimizers take is told elsewhere
        return None
    whole = next((one for one in call.arguments if one.kind == "module"), None) if call is not None else None
    if call is not None and whole is not None and whole.text and whole.parameter == "parameters":
        fields = {"name": whole.text, "type": whole.type, "article": articled(whole.type)}
        title = fill(_PARAMETERS_TITLE, **fields)
        text = fill(_PARAMETERS, code=call.expression, **fields)
        return Explanation("module-as-value", "error", title, text)
    told = _misused(step, found)
    if told is None:
        return None
    name, kind, what = told
    binding = last_set(step, past, found, name)
    made = binding.value if binding is not None else None
    members = what.startswith("something")
    why = fill(_CHILDREN if members else _CALL_IT, name=name)
    given = made.args[0] if isinstance(made, ast.Call) and made.args else None
    code_of = ast.unparse(given) if given is not None and not isinstance(given, ast.Constant) else ""
    sure = READY.fullmatch(f"torch.nn.{kind}") is not None and code_of not in found.numbers
    data = code_of in found.tensors or "torch." in code_of or (bool(code_of) and sure)
    if binding is not None and isinstance(made, ast.Call) and data and not members:
        words = source_of(binding)
        function = ast.unparse(made.func)
        if function.rpartition(".")[2] == kind:
            argument = ", ".join(ast.unparse(one) for one in made.args)
            why = fill(_MADE, value=words, at=binding.at, kind=function, argument=argument)
    code = " ".join((ast.get_source_segment(found.source, found.nodes[0]) or name).split())
    title = fill(_VALUE_TITLE, name=name, type=kind, needed=phrase(_NEEDED, what=what))
    text = fill(_VALUE, code=code.split("\n")[0][:80], what=what, name=name, article=articled(kind), why=why)
    return Explanation("module-as-value", "error", title, text)


def _misused(step: Step, found: Failing) -> tuple[str, str, str] | None:
    """The layer's path and type, and what was needed in its place."""
    error = step.error
    message = error.message if error is not None else ""
    missing = error.missing if error is not None else None
    if missing is not None and missing.kind == "attribute":
        kind = found.modules.get(missing.owner)
        if kind is None or missing.name not in _TENSOR_METHODS:
            return None
        return missing.owner, kind, _TENSOR
    call = calls.failed(step)
    forms = ("function", "method", "operator", "index", "assignment")
    for one in call.arguments if call is not None and call.form in forms else ():
        refused = rf"must be .*, not {re.escape(one.type)}\b|valid indices \(got {re.escape(one.type)}\)"
        if one.kind == "module" and one.text and re.search(refused, message):
            return one.text, one.type, _TENSOR
    return _operand(found, message) or _gone_through(found, message)


def _operand(found: Failing, message: str) -> tuple[str, str, str] | None:
    node = found.expression
    sides: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and "unsupported operand" in message:
        sides = [node.left, node.right]
    elif isinstance(node, ast.Compare) and "not supported between instances" in message:
        sides = [node.left, *node.comparators]
    elif isinstance(node, ast.UnaryOp) and "bad operand type for unary" in message:
        sides = [node.operand]
    for side in sides:
        kind = found.modules.get(ast.unparse(side))
        if kind is not None and f"'{kind}'" in message:
            return ast.unparse(side), kind, _NUMBER
    return None


def _gone_through(found: Failing, message: str) -> tuple[str, str, str] | None:
    told = re.match(
        r"'(\w+)' object is not (?:subscriptable|iterable)|object of type '(\w+)' has no len", message
    )
    if told is None:
        return None
    inside = [one for each in found.nodes for one in ast.walk(each)]
    if isinstance(found.statement, ast.For):
        inside.append(found.statement.iter)
    for one in inside:
        kind = found.modules.get(ast.unparse(one)) if isinstance(one, ast.Name | ast.Attribute) else None
        if kind is not None and kind in told.groups():
            return ast.unparse(one), kind, _MEMBERS
    return None


# ── layer-index ──────────────────────────────────────────────────────────────

_INDEX_TITLE = "`{name}` has no layer {index}"
_INDEX = "`{name}` is {article} of {members}: {range}, and {asked} is asked for."
_NAMES = "their names are {names}"
_EMPTY = "it is empty"
_BY_NUMBER = "they are asked for by number, `[0]`, and by name with `getattr`"
_NUMBERS = "they have the numbers 0 to {last}"
_NUMBER_0 = "it has number 0 only"
_WHICH_IS = "`{index}`, which is {value},"


@failure
def layer_index(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a layer is asked of a Sequential, ModuleList or ModuleDict that it does not have."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or call.module is None or not call.name.endswith(".__getitem__"):
        return None
    if not call.name.startswith("torch.nn.") or error.type not in ("IndexError", "KeyError", "TypeError"):
        return None
    asked = calls.argument(call, "idx", "key")
    children = call.module.children
    if asked is None or asked.value is None:
        return None
    members = count_text(len(children), "layer")
    if call.name.endswith("ModuleDict.__getitem__"):
        reach = phrase(_NAMES, names=code_list(list(children), most=8)) if children else _EMPTY
    elif asked.kind == "text":
        reach = _BY_NUMBER
    else:
        last = len(children) - 1
        reach = phrase(_NUMBERS, last=last) if last > 0 else _NUMBER_0
        reach = reach if children else _EMPTY
    name = call.module.path or call.expression.partition("[")[0]
    index = asked.text or asked.value
    plain = asked.text == asked.value or not asked.text
    shown = f"`{index}`" if plain else phrase(_WHICH_IS, index=index, value=asked.value)
    fields = {"name": name, "article": articled(call.module.type), "members": members, "range": reach}
    text = fill(_INDEX, asked=shown, **fields)
    return Explanation("layer-index", "error", fill(_INDEX_TITLE, name=name, index=asked.value), text)


# ── name-reused ──────────────────────────────────────────────────────────────

_REUSED_TITLE = "`{name}` is no layer any more: it was set to what the layer gave"
_REUSED = """
`{code}` calls `{name}`, and that is a tensor since `{line}` ({at}) put the result in place of the layer.
Keep results under other names, `out = {value}`, so that `{name}` stays what can be called.
"""


@failure
def name_reused(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor is called whose name was a layer before, and was set to that layer's result."""
    error, found = step.error, failing(step)
    if error is None or found is None or error.message != "'Tensor' object is not callable":
        return None
    node = found.expression
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return None
    name = node.func.id
    bindings = [one for code in codes(step, past) for one in code.bindings if one.name == name]
    for one in bindings:
        calls_itself = isinstance(one.value, ast.Call) and ast.unparse(one.value.func) == name
        if calls_itself:
            value = source_of(one)
            line = f"{name} = {value}"
            text = fill(_REUSED, code=ast.unparse(node), name=name, line=line, at=one.at, value=value)
            return Explanation("name-reused", "error", fill(_REUSED_TITLE, name=name), text)
    return None
