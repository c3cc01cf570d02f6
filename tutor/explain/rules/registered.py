"""What a module registers: parameters, layers and buffers under names, and what may take their place."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls
from tutor.explain.elsewhere import call_of, changed, in_nn
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing, parse, path
from tutor.explain.reading import replace as replace_statement
from tutor.explain.wording import fill, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step
from tutor.translation import translated

_SET = "torch.nn.Module.__setattr__"

# ── parameter-required ───────────────────────────────────────────────────────

_A_TENSOR, _TENSOR_IS = "a tensor", "a tensor, {what}"
_THE_MODULE, _MODULE, _NEW_VALUE = "the {type}", "the module", "the new value"
_PARAMETER_TITLE = "`{name}` is a parameter, and {what} cannot take its place"
_PARAMETER = """
`{name}` is registered as a parameter of {owner}, so that it may only be set to an nn.Parameter (or None), and
`{value}` is {what}. {choice}
"""
_NEW_VALUES = """
To give the parameter new values and keep it, as an optimizer that holds it needs, write into it:
`with torch.no_grad(): {name}.copy_({value})`. To put a new parameter there, write `nn.Parameter({value})`.
"""
_NEW_PARAMETER = "Make a parameter of it: `nn.Parameter({value})`."


@failure
def parameter_required(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when something that is no nn.Parameter is set or registered as a module's parameter."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or error.type != "TypeError" or call.module is None:
        return None
    registering = call.name == "torch.nn.Module.register_parameter"
    if not registering and (call.name != _SET or " as parameter " not in error.message):
        return None
    value = calls.argument(call, "param" if registering else "value")
    found = failing(step)
    if value is None or found is None or value.type in ("Parameter", "NoneType", ""):
        return None
    name = _target(call, found)
    what = phrase(_TENSOR_IS, what=calls.what(value)) if value.operand is not None else calls.what(value)
    node = call_of(found)
    handed = ast.unparse(node.args[2]) if node is not None and len(node.args) == 3 else ""
    text_of = value.text or handed or phrase(_NEW_VALUE)
    own_value = _reads(value.text, name)
    fix = None
    if value.operand is not None and value.text:
        if own_value and not registering:
            lines = [f"{name}.copy_({value.text})"]
            if not _unrecorded(found):
                lines = ["with torch.no_grad():", f"    {lines[0]}"]
            fix = found.changed(replace_statement(found.source, found.statement, lines))
        elif registering:
            made = f"{in_nn(step, past, 'Parameter')}({value.text})"
            fix = changed(found, calls.node_of(found, call, value), made)
    choice = fill(_NEW_PARAMETER if registering else _NEW_VALUES, name=name, value=text_of)
    owner = f"`{call.module.path}`" if call.module.path else phrase(_THE_MODULE, type=call.module.type)
    text = fill(_PARAMETER, name=name, owner=owner, value=text_of, what=what, choice=choice)
    title = fill(_PARAMETER_TITLE, name=name, what=_A_TENSOR if value.operand is not None else what)
    return Explanation("parameter-required", "error", title, text, fix)


def _unrecorded(found: Failing) -> bool:
    """Whether the failing statement stands under `torch.no_grad()`."""
    line = found.statement.lineno
    return any(
        isinstance(node, ast.With)
        and any("no_grad" in ast.unparse(item.context_expr) for item in node.items)
        and node.lineno < line <= (node.end_lineno or 0)
        for root in parse(found.source)
        for node in ast.walk(root)
    )


def _target(call: FailedCall, found: Failing) -> str:
    statement = found.statement
    if isinstance(statement, ast.Assign) and call.name == _SET:
        target = path(statement.targets[0])
        if target is not None:
            return target
    name = calls.argument(call, "name")
    last = (name.value or "").strip("\"'") if name is not None else "it"
    owner = call.module.path if call.module is not None else ""
    return f"{owner}.{last}" if owner else last


def _reads(text: str, name: str) -> bool:
    """Whether code reads the path itself: an update such as `lin.weight - 0.1`."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return any(path(node) == name for node in ast.walk(tree) if isinstance(node, ast.Attribute))


# ── layer-replaced ───────────────────────────────────────────────────────────

_PLACE_TITLE = "`{name}` is a place for a layer, and this line puts {what} in its place"
_LAYER_TITLE = "`{name}` is a layer, and this line puts {what} in its place"
_LAYER = """
`{name}` was registered as a layer of {owner}, and only another layer may take its place: `{value}` is
{what}. {hint}
"""
_RESULT = """
What a layer gives is no layer: keep it under a name of its own, as in `x = {value}`, and leave `{name}` as
it is.
"""


_MEMBER_PLACE = """
`{name}` is a place in {owner}, a {type}, which holds layers only: objects made from classes of nn.Module.
`{value}` is {what}.
"""


@failure
def layer_replaced(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a name under which a module has a layer, or a buffer, is set to something else."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or error.type != "TypeError" or call.module is None:
        return None
    item = call.name.startswith("torch.nn.Module") and call.name.endswith(".__setitem__")
    if not item and (call.name != _SET or " as child module " not in error.message):
        return None
    value, found = calls.argument(call, "value", "module"), failing(step)
    if value is None or found is None or not value.type:
        return None
    name = _target(call, found)
    if item and isinstance(found.statement, ast.Assign):
        name = ast.unparse(found.statement.targets[0])
    what = phrase(_TENSOR_IS, what=calls.what(value)) if value.operand is not None else calls.what(value)
    owner = f"`{call.module.path}`" if call.module.path else phrase(_THE_MODULE, type=call.module.type)
    if item:
        place = value.text or ast.unparse(getattr(found.statement, "value", ast.Constant("it")))
        text = fill(_MEMBER_PLACE, name=name, owner=owner, type=call.module.type, value=place, what=what)
        title = fill(_PLACE_TITLE, name=name, what=what)
        return Explanation("layer-replaced", "error", title, text)
    hint = fill(_RESULT, name=name, value=value.text) if value.operand is not None and value.text else ""
    written = value.text or phrase(_NEW_VALUE)
    text = fill(_LAYER, name=name, owner=owner, value=written, what=what, hint=hint)
    title = fill(_LAYER_TITLE, name=name, what=_A_TENSOR if value.operand is not None else what)
    return Explanation("layer-replaced", "error", title, text)


# ── name-clash ───────────────────────────────────────────────────────────────

_CLASH_TITLE = "`{name}` cannot be the name of a {kind} here"
_TAKEN = """
`{code}` wants the name `{name}` for a {kind} of {owner}, and {owner} has an attribute of that name already:
every module has methods such as `train`, `type`, `forward` and `parameters`, and containers `keys`, `items`
and `pop`. Choose a name that is not used, such as `{better}`.
"""
_DOTTED = """
`{code}` wants the name `{name}` for a {kind}. Dots separate the parts of a path, as in `layers.0.weight`,
so that a single name must not have one. Use an underscore: `{better}`.
"""
_NO_NAME = "`{code}` gives an empty name. A {kind} needs a name of at least one letter, such as `{better}`."
_KINDS = {"register_buffer": "buffer", "register_parameter": "parameter"}
_A_LAYER = "layer"


@failure
def name_clash(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a layer, parameter or buffer is to have a name that is taken, has a dot, or is empty."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or error.type != "KeyError" or not call.name.startswith("torch.nn."):
        return None
    method = call.name.rpartition(".")[2]
    if method not in (*_KINDS, "add_module", "register_module", "ModuleDict", "update", "__setitem__"):
        return None
    taken = re.search(r"attribute '(.+?)' already exists", error.message)
    dotted = re.search(r"can(?:\\)?'t contain \"\.\"", error.message)
    empty = "empty string" in error.message
    if taken is None and dotted is None and not empty:
        return None
    argument = calls.argument(call, "name", "key")
    plain = (argument.value or "").strip("\"'") if argument is not None else ""
    got = re.search(r"got: (.+?)['\"]?$", error.message)
    keys = [key for one in call.arguments for key in one.keys if "." in key]
    name = (
        taken[1] if taken is not None else plain or (keys[0] if keys else got[1] if got is not None else "")
    )
    kind = translated(_KINDS.get(method, _A_LAYER))
    better = f"my_{name}" if taken is not None else name.replace(".", "_") or "weight"
    path_of = call.module.path if call.module is not None else ""
    owner = f"`{path_of}`" if path_of else _MODULE if call.form != "class" else f"nn.{method}"
    template = _TAKEN if taken is not None else _DOTTED if dotted is not None else _NO_NAME
    code = call.expression if len(call.expression) <= 80 else f"{call.expression[:79]}…"
    text = fill(template, code=code, name=name, kind=kind, owner=owner, better=better)
    found = failing(step)
    fix = None
    if dotted is not None and argument is not None and argument.text[:1] in "'\"" and found is not None:
        fix = changed(found, calls.node_of(found, call, argument), f'"{better}"')
    return Explanation("name-clash", "error", fill(_CLASH_TITLE, name=name, kind=kind), text, fix)


# ── not-a-layer ──────────────────────────────────────────────────────────────

_GIVEN_MANY, _A_KIND = "given {count} arguments", "a {kind}"
_A_CLASS, _A_FUNCTION = "a class", "a function"
_SMALL_MODULE = "write a small module whose `forward` calls it"
_MEMBER_TITLE = "{container} takes layers, and `{code}` is {what}"
_MEMBER = """
{container} must be given layers, objects that were made from classes of nn.Module. `{code}` is {what}.
{hint}
"""
_OF_LIST = "The layers stand in a list: {container} wants them one by one, `{fixed}`."
_OF_MANY = "{container} wants its layers in one list: `{fixed}`."
_OF_CLASS = "That is the class: make a layer of it, `{fixed}`."
_OF_FUNCTION = "A function has to be wrapped as a layer: {there}."
_LAYERS = {
    "relu": "ReLU", "sigmoid": "Sigmoid", "tanh": "Tanh", "gelu": "GELU", "softmax": "Softmax", "elu": "ELU",
    "leaky_relu": "LeakyReLU", "flatten": "Flatten", "dropout": "Dropout", "log_softmax": "LogSoftmax",
    "silu": "SiLU", "relu_": "ReLU", "selu": "SELU", "softplus": "Softplus", "logsigmoid": "LogSigmoid",
    "max_pool2d": "MaxPool2d", "avg_pool2d": "AvgPool2d",
}  # fmt: skip
#: Of these the layer does the same as the function with no settings given.
_SAME = frozenset({"relu", "sigmoid", "tanh", "gelu", "elu", "leaky_relu", "silu", "selu", "softplus"})


@failure
def not_a_layer(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a container of layers is given a list, a class, a function or a tensor for a layer."""
    error, call, found = step.error, calls.failed(step), failing(step)
    node = call_of(found)
    if error is None or call is None or found is None or node is None or error.type != "TypeError":
        return None
    parts = call.name.rpartition(".")
    container = parts[2] if call.form == "class" else parts[0].rpartition(".")[2]
    if container not in ("Sequential", "ModuleList", "ModuleDict"):
        return None
    if "is not a Module subclass" not in error.message and "positional argument" not in error.message:
        return None
    told = _odd_member(found, call, node, container)
    if told is None:
        return None
    code, what, hint, fix = told
    fields = {"container": f"nn.{container}", "code": code, "what": what}
    text = fill(_MEMBER, hint=hint, **fields)
    return Explanation("not-a-layer", "error", fill(_MEMBER_TITLE, **fields), text, fix)


def _odd_member(
    found: Failing, call: FailedCall, node: ast.Call, container: str
) -> tuple[str, str, str, str | None] | None:
    """The member that is no layer, what it is, what to write, and the fix."""
    name = f"nn.{container}"
    if container == "ModuleList" and len(node.args) > 1:
        inside = ", ".join(ast.unparse(one) for one in node.args)
        fixed = f"{ast.unparse(node.func)}([{inside}])"
        hint = fill(_OF_MANY, container=name, fixed=fixed)
        code = ast.unparse(node)
        return code, phrase(_GIVEN_MANY, count=len(node.args)), hint, changed(found, node, fixed)
    if container == "Sequential" and len(node.args) == 1 and call.arguments[:1]:
        first = call.arguments[0]
        if first.kind in ("list", "tuple") or first.type == "ModuleList":
            kind = first.type if first.type == "ModuleList" else translated(first.kind)
            what = phrase(_A_KIND, kind=kind)
            fixed = f"{ast.unparse(node.func)}(*{ast.unparse(node.args[0])})"
            hint = fill(_OF_LIST, container=name, fixed=fixed)
            return first.text or what, what, hint, changed(found, node, fixed)
    members = list(node.args)
    if len(members) == 1 and isinstance(members[0], ast.List | ast.Tuple):
        members = list(members[0].elts)
    elif len(members) == 1 and isinstance(members[0], ast.Dict):
        members = list(members[0].values)
    described = {one.text: one for one in call.arguments if one.type}
    for member in members:
        text = ast.get_source_segment(found.source, member) or ast.unparse(member)
        told = _member(text, described.get(text), ast.unparse(node.func).rpartition(".")[0] or "nn")
        if told is not None:
            what, hint, better = told
            return text, what, hint, changed(found, member, better) if better is not None else None
    return None


def _member(text: str, facts: Argument | None, prefix: str) -> tuple[str, str, str | None] | None:
    last = text.rpartition(".")[2]
    dotted = all(part.isidentifier() for part in text.split("."))
    if not dotted or (facts is not None and facts.kind == "module"):
        if facts is not None and facts.operand is not None:
            return phrase(_TENSOR_IS, what=calls.what(facts)), "", None
        return None
    if (facts is not None and facts.kind == "class") or (facts is None and last[:1].isupper()):
        made = f"{text}()"
        ready = last in _LAYERS.values() or last in ("Identity", "BCELoss")
        return _A_CLASS, fill(_OF_CLASS, fixed=made), made if ready else None
    layer = _LAYERS.get(last)
    if layer is not None and (facts is None or facts.kind == "function"):
        made = f"{prefix}.{layer}()"
        return _A_FUNCTION, fill(_OF_FUNCTION, there=f"`{made}`"), made if last in _SAME else None
    if facts is not None and facts.kind == "function":
        return _A_FUNCTION, fill(_OF_FUNCTION, there=_SMALL_MODULE), None
    return None
