"""Calling modules: no `forward`, a class instead of an instance, lists of layers, the wrong arguments."""

from __future__ import annotations

import ast
import re
from difflib import get_close_matches

from tutor.explain import calls
from tutor.explain.elsewhere import Defined, articled, call_of, changed, defined, is_module, last_set
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing
from tutor.explain.wording import code_list, count_text, fill, phrase
from tutor.facts import Explanation, FailedCall, Snapshot, Step
from tutor.translation import translated

# ── no-forward ───────────────────────────────────────────────────────────────

_NO_TITLE = "{type} has no `forward`"
_NO = """
`{code}` calls {article}, and calling a module runs its `forward`, the method that says what becomes of the
input. {type} defines none{at}. {why}
"""
_NO_NEAR = "It has `{name}` ({at}), which nobody calls: rename it to `forward`."
_NO_INSIDE = """
`def forward` stands inside of `{method}` ({at}), one level too deep: there it is a function of that
method's own. Move it to the left, to where `def {method}` begins.
"""
_NO_CALL = "Write `def forward(self, x):` in the class, with `return`, at the same depth as `__init__`."


@failure
def no_forward(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a module of the learner's is called and its class has no `forward`."""
    call = calls.failed(step)
    if call is None or step.error is None or step.error.type != "NotImplementedError":
        return None
    if call.form != "module" or call.module is None or call.name != "torch.nn.Module":
        return None
    kind = call.module.type
    own = defined(step, past, kind)
    fields = {"code": call.expression, "type": kind, "article": articled(kind)}
    fields["at"] = f" ({own.at})" if own is not None else ""
    text = fill(_NO, why=_why_none(own), **fields)
    return Explanation("no-forward", "error", fill(_NO_TITLE, type=kind), text)


def _why_none(own: Defined | None) -> str:
    if own is None:
        return _NO_CALL
    for name, method in own.methods.items():
        for node in ast.walk(method):
            if node is not method and isinstance(node, ast.FunctionDef) and node.name == "forward":
                return fill(_NO_INSIDE, method=name, at=own.code.at(node))
    others = [name for name in own.methods if not name.startswith("__")]
    lowered = {name.lower(): name for name in others}
    near = get_close_matches("forward", lowered, 1, 0.7)
    if near:
        name = lowered[near[0]]
        return fill(_NO_NEAR, name=name, at=own.code.at(own.methods[name]))
    return _NO_CALL


# ── layers-called ────────────────────────────────────────────────────────────

_LIST_TITLE = "`{name}` is a {kind} of layers, and a {kind} cannot be called"
_LIST = """
`{name}` is a {kind}: it holds layers, and says nothing about how data goes through them. {choice}
"""
_LIST_CHOICE = """
If each layer takes what the one before it gives, go through them, `for layer in {name}: {x} = layer({x})`,
or make it `nn.Sequential(...)`, which can be called. If they are alternatives or heads, take one:
`{name}[{key}]({x})`.
"""
_PLAIN = "A plain {kind} also hides its layers from `parameters()`: inside of a module use `nn.ModuleList`."
#: Of Python's kinds, which are words; those of nn are names.
_KINDS = ("list", "tuple", "dict")
_TUPLE_TITLE = "`{name}` is a tuple: a comma at the end of its line made it one"
_TUPLE = """
`{name}` is set to `{value}` ({at}). The comma at the end makes a tuple with one member of it, and a tuple
cannot be called. Delete the comma.
"""


@failure
def layers_called(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a ModuleList, ModuleDict, or a plain list or tuple of layers, is called like a layer."""
    error = step.error
    if error is None:
        return None
    found = failing(step)
    call = calls.failed(step)
    if call is not None and call.form == "module" and error.type == "NotImplementedError":
        kind = call.name.rpartition(".")[2]
        if kind not in ("ModuleList", "ModuleDict", "ParameterList", "ParameterDict"):
            return None
        node = call_of(found)
        name = (call.module.path if call.module is not None else "") or _called(node)
        return _explained(name, kind, node, "")
    told = re.match(r"'(list|tuple|dict)' object is not callable", error.message)
    node = call_of(found)
    if error.type != "TypeError" or told is None or node is None or found is None:
        return None
    value = _value_of(step, past, found, node.func)
    if value is None:
        return None
    own, statement, code = value
    name, kind = _called(node), told[1]
    if kind == "list" and (isinstance(code, ast.Call) or _appended(own, node.func)):
        return _explained(name, kind, node, fill(_PLAIN, kind=_word(kind)))
    if kind == "tuple" and isinstance(code, ast.Tuple) and len(code.elts) == 1:
        shown = ast.get_source_segment(own.code.source, code) or ast.unparse(code)
        text = fill(
            _TUPLE,
            name=name,
            value=f"{shown.strip('()')}" if shown.endswith(",)") else shown,
            at=own.code.at(statement),
        )
        return Explanation("layers-called", "error", fill(_TUPLE_TITLE, name=name), text)
    return _explained(name, kind, node, fill(_PLAIN, kind=_word(kind))) if _has_layers(code) else None


def _word(kind: str) -> str:
    return translated(kind) if kind in _KINDS else kind


def _explained(name: str, kind: str, node: ast.Call | None, more: str) -> Explanation:
    first = node.args[0] if node is not None and node.args else None
    x = first.id if isinstance(first, ast.Name) else "x"
    key = '"name"' if kind.lower().endswith("dict") else "0"
    choice = fill(_LIST_CHOICE, name=name, x=x, key=key)
    text = fill(_LIST, name=name, kind=_word(kind), choice=f"{choice} {more}".strip())
    return Explanation("layers-called", "error", fill(_LIST_TITLE, name=name, kind=_word(kind)), text)


def _called(node: ast.Call | None) -> str:
    return ast.unparse(node.func) if node is not None else "it"


class _Plain(Defined):
    """Code outside of classes, where a name was set."""


def _value_of(
    step: Step, past: Past, found: Failing, target: ast.expr
) -> tuple[Defined, ast.stmt, ast.expr] | None:
    """What the called name or attribute of `self` was set to, and in which statement."""
    if isinstance(target, ast.Attribute):
        kind = found.modules.get(ast.unparse(target.value), "")
        own = defined(step, past, kind)
        for method in own.methods if own is not None else ():
            held = own.set_in(method) if own is not None else {}
            if own is not None and target.attr in held:
                return own, *held[target.attr]
        return None
    name = ast.unparse(target)
    binding = last_set(step, past, found, name)
    if binding is None:
        return None
    return _Plain(binding.code, ast.ClassDef("", [], [], [], [])), binding.statement, binding.value


def _appended(own: Defined, target: ast.expr) -> bool:
    """Whether layers are appended to a list of a class: `self.layers.append(nn.Linear(2, 2))`."""
    written = ast.unparse(target)
    for node in ast.walk(own.node):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == f"{written}.append" and node.args:
            made = node.args[0]
            name = ast.unparse(made.func) if isinstance(made, ast.Call) else ""
            if name.rpartition(".")[2][:1].isupper():
                return True
    return False


def _has_layers(value: ast.expr) -> bool:
    """Whether a list or dictionary has calls in it that make layers: `nn.Linear(…)`, `Block(…)`."""
    if not isinstance(value, ast.List | ast.ListComp | ast.Tuple | ast.Dict | ast.DictComp):
        return False
    made = [
        ast.unparse(node.func).rpartition(".")[2] for node in ast.walk(value) if isinstance(node, ast.Call)
    ]
    return any(name[:1].isupper() for name in made)


# ── forward-arguments ────────────────────────────────────────────────────────

_FORWARD_TITLE = "`{code}` gives {given}, and `forward` takes {takes}"
_FORWARD = """
Calling {layer} runs its `forward({parameters})`{at}, which takes {takes} besides `self`; `{code}` gives
{given}. {hint}
"""
_NO_SELF_TITLE = "`forward` of {type} has no `self`"
_NO_SELF = """
`def {written}` ({at}) lacks `self`: Python gives the object itself as the first argument of a method, and the
input after it, so that one too many comes. Write `def forward({better})`.
"""
_SEQUENTIAL = """
nn.Sequential hands one value from layer to layer: for several inputs write a module of your own.
"""
_NO_INPUT = "Put the input between the brackets."
_KEYWORD = "It has no parameter `{name}`."
_NONE = "no argument"
_AT_LEAST = "at least {count}"
_BETWEEN = "{least} to {most:,} arguments"
_BETWEEN_ONE = "{least} to 1 argument"


@failure
def forward_arguments(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a module is called with more, fewer or other arguments than its `forward` takes."""
    error, call = step.error, calls.failed(step)
    if error is None or call is None or error.type != "TypeError" or call.form != "module":
        return None
    told = re.match(r"(\w+)\.forward\(\) (takes|missing|got)", error.message)
    if told is None or call.module is None:
        return None
    own = defined(step, past, told[1])
    method = own.methods.get("forward") if own is not None else None
    if own is not None and method is not None:
        names = [one.arg for one in (*method.args.posonlyargs, *method.args.args)]
        if "self" not in names and not method.decorator_list and (not names or names[0] != "self"):
            written = ast.unparse(method.args)
            fields = {"type": told[1], "written": f"forward({written})", "at": own.code.at(method)}
            text = fill(_NO_SELF, better=", ".join(filter(None, ["self", written])), **fields)
            return Explanation("forward-arguments", "error", fill(_NO_SELF_TITLE, type=told[1]), text)
        parameters, required, most = _taken(method.args)
    else:
        parameters, required, most = _from_signature(call)
    if not parameters and most is None:
        return None
    takes = _range(required, most)
    count = len(call.arguments)
    given = count_text(count, "argument") if count else phrase(_NONE)
    unknown = re.search(r"unexpected keyword argument '(\w+)'", error.message)
    hint = fill(_KEYWORD, name=unknown[1]) if unknown is not None else ""
    if not hint and call.name.endswith("Sequential") and count > 1:
        hint = fill(_SEQUENTIAL)
    layer = f"`{call.module.path}`, {articled(call.module.type)},"
    layer = layer if call.module.path else articled(call.module.type)
    fields = {"code": call.expression, "takes": takes, "given": given, "parameters": parameters}
    at = f" ({own.code.at(method)})" if own is not None and method is not None else ""
    text = fill(_FORWARD, layer=layer, at=at, hint=hint or ("" if count else _NO_INPUT), **fields)
    return Explanation("forward-arguments", "error", fill(_FORWARD_TITLE, **fields), text)


def _taken(given: ast.arguments) -> tuple[str, int, int | None]:
    names = [one.arg for one in (*given.posonlyargs, *given.args)][1:]
    most = None if given.vararg is not None else len(names)
    return ", ".join(names), len(names) - len(given.defaults), most


def _from_signature(call: FailedCall) -> tuple[str, int, int | None]:
    names = [one for one in call.parameters if one != "self"]
    if not names:
        return "", 0, None
    inside = call.signatures[0].partition("(")[2] if call.signatures else ""
    parts = [part for part in re.split(r", (?=\w+[:=,)]|\w+ =)", inside.rstrip(")")) if part]
    required = sum("=" not in part for part in parts) if len(parts) == len(names) else 1
    return ", ".join(names), required, len(names)


def _range(required: int, most: int | None) -> str:
    if most is None:
        return phrase(_AT_LEAST, count=count_text(required, "argument"))
    if required == most:
        return count_text(most, "argument") if most else phrase(_NONE)
    return phrase(_BETWEEN_ONE if most == 1 else _BETWEEN, least=required, most=most)


# ── plain-class ──────────────────────────────────────────────────────────────

_BARE_TITLE = "{type} is no module: it does not derive from nn.Module"
_BARE = """
`{code}` calls {article}, and only classes with `__call__` can be called. nn.Module has it, and runs
`forward` then; {type} ({at}) {bases}. Write `class {type}(nn.Module):`, with `super().__init__()` first in
`__init__`.
"""


@failure
def plain_class(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an object is called whose class has a `forward` and does not derive from nn.Module."""
    error, node = step.error, call_of(failing(step))
    told = re.match(r"'(\w+)' object is not callable", error.message) if error is not None else None
    own = defined(step, past, told[1]) if told is not None and node is not None else None
    if own is None or node is None or "forward" not in own.methods or is_module(step, past, own):
        return None
    bases = f"derives from {code_list(own.bases)} only" if own.bases else "derives from nothing"
    kind = own.node.name
    article = articled(kind)
    text = fill(_BARE, code=ast.unparse(node), type=kind, article=article, at=own.at, bases=bases)
    return Explanation("plain-class", "error", fill(_BARE_TITLE, type=kind), text)


# ── class-called ─────────────────────────────────────────────────────────────

_CLASS_TITLE = "`{kind}` is a class: make a layer of it first, then call that"
_CLASS = """
`{code}` makes a new {kind} and takes {data} for {what}; nothing is computed. A layer is made first, with its
settings, `layer = {made}`, and called with data then, `layer({arguments})`. {often}
"""
_OFTEN = "Make it once, outside of the training loop, since its weights are what learns."
_SETTINGS = "its settings"
#: Layers without settings that must be given, so that brackets alone make one.
_BRACKETS = """
`{owner}` was set to `{value}` ({at}), the class itself: behind it brackets are missing that make an instance,
`{owner} = {value}(...)`. Only an instance has weights and state, and `{code}` needs one.
"""
READY = re.compile(
    r"torch\.nn\.(\w+Loss|ReLU6?|ELU|GELU|SELU|SiLU|Sigmoid|Tanh|Softplus|LeakyReLU|Identity|Flatten|Mish"
    r"|Dropout\w*|Softmax|LogSoftmax)"
)
_METHOD_TITLE = "`{name}` belongs to an instance, and `{owner}` is the class"
_METHOD = """
`{code}` asks the class {owner} itself. A class is the plan: weights, parameters and state belong to an
instance that was made from it. Make one, `{small} = {owner}(...)`, and ask that: `{small}.{name}(...)`.
"""


@failure
def class_called(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when data is given to a class of layers, or a method is asked of the class itself."""
    error, call, found = step.error, calls.failed(step), failing(step)
    node = call_of(found)
    if error is None or found is None or node is None or error.type not in ("TypeError", "RuntimeError"):
        return None
    if error.frames and error.frames[-1].function == "__init__":  # what came in there was meant for another
        return None
    unbound = _unbound(step, past, found, node)
    if unbound is not None:
        return unbound
    data = [one for one in node.args if _is_data(found, call, one)]
    if not data or any(isinstance(one, ast.Starred) for one in node.args):
        return None
    kind = ast.unparse(node.func)
    own = defined(step, past, kind) if isinstance(node.func, ast.Name) else None
    shown = code_list([ast.unparse(one) for one in data])
    arguments = ", ".join(ast.unparse(one) for one in data)
    settings = ", ".join(ast.unparse(one) for one in node.keywords)
    fields = {"code": ast.unparse(node), "kind": kind, "data": shown, "arguments": arguments}
    made, fix, often = f"{kind}(...)", None, fill(_OFTEN)
    if own is not None and is_module(step, past, own):
        method = own.methods.get("__init__")
        _, needed, most = _taken(method.args) if method is not None else ("", 0, 0)
        if most is None or most >= len(node.args):
            return None
        if not needed:
            made = f"{kind}()"
    elif call is not None and call.form == "class" and call.name.startswith("torch.nn.") and _is_layer(call):
        if READY.fullmatch(call.name) and len(data) == len(node.args):
            made, often = f"{kind}({settings})", ""
            fix = changed(found, node, f"{made}({arguments})")
    else:
        return None
    text = fill(_CLASS, made=made, what=_SETTINGS, often=often, **fields)
    return Explanation("class-called", "error", fill(_CLASS_TITLE, kind=kind), text, fix)


def _unbound(step: Step, past: Past, found: Failing, node: ast.Call) -> Explanation | None:
    """What to say where a method was asked of the class itself."""
    message = step.error.message if step.error is not None else ""
    told = re.match(r"(?:\w+\.)*\w+\(\) missing 1 required positional argument: 'self'", message)
    if told is None or not isinstance(node.func, ast.Attribute):
        return None
    owner = ast.unparse(node.func.value)
    fields = {"code": ast.unparse(node), "owner": owner, "name": node.func.attr}
    binding = last_set(step, past, found, owner)
    if binding is not None and isinstance(binding.value, ast.Name | ast.Attribute):
        text = fill(_BRACKETS, value=ast.unparse(binding.value), at=binding.at, **fields)
    else:
        text = fill(_METHOD, small=owner.rpartition(".")[2].lower(), **fields)
    return Explanation("class-called", "error", fill(_METHOD_TITLE, **fields), text)


def _is_data(found: Failing, call: FailedCall | None, node: ast.expr) -> bool:
    """Whether an argument is a tensor for sure."""
    text = ast.unparse(node)
    if text in found.tensors:
        return True
    for one in call.arguments if call is not None else ():
        if one.operand is not None and one.text == (ast.get_source_segment(found.source, node) or text):
            return True
    made = isinstance(node, ast.Call) and ast.unparse(node.func)
    return bool(made) and str(made).startswith("torch.") and str(made).partition(".")[2] in _MAKERS


_MAKERS = frozenset({"ones", "zeros", "rand", "randn", "tensor", "randint", "arange", "full", "linspace"})


_CONTAINERS = ("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict")


def _is_layer(call: FailedCall) -> bool:
    last = call.name.rpartition(".")[2]
    return last[:1].isupper() and last not in ("Parameter", "Buffer", *_CONTAINERS)
