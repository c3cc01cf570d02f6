"""What an optimizer is given to optimize: parameters, as a list, leaves, each once."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import reduce

from tutor.explain import calls
from tutor.explain.elsewhere import articled, changed, defined, last_set, source_of
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing, insert_line
from tutor.explain.wording import code_list, fill, phrase, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Operand, Snapshot, Step
from tutor.translation import translated

_ONE_TENSOR = "one tensor, {what}"
_A_METHOD = "a method"
_WITH_IN = {"list": "a list with {kinds} in it", "tuple": "a tuple with {kinds} in it"}
_LIST_OF = "a list of {members}"
_ARE_NAMES = ", and these are names"
_IS_NONE = ", and {kinds} is none"
_A_NUMBER = "a number, {value}"
_ITERATOR = "an iterator"
_ITERATORS = "{count} iterators"
_OPTIM = "torch.optim."

# ── optimizer-params ─────────────────────────────────────────────────────────

_A_TYPE, _AND_TYPE = "a{n} {type}", "{first} and {second}"
_PARAMS_TITLE = "`{params}` is {what}, and {optimizer} needs a list of parameters"
_PARAMS = """
{optimizer} must get its parameters as a list, or as what `.parameters()` gives: tensors that it is to
change, or dictionaries of them. `{params}` is {what}. {repair}
"""
_ONE = "One tensor alone has to stand in a list, `[{params}]`: going through a tensor would give its rows."
_OF_MODULE = "A module is no list of its parameters: ask it for them, `{params}.parameters()`."
_UNCALLED = "Without brackets that is the method, which has not been called: `{params}()`."
_LISTED = """
`.parameters()` gives an iterator over the tensors already, so that a list around it holds the iterator and
not the tensors: {instead}.
"""
_MEMBERS = "Its members must be tensors{members}. {hint}"
_HINT_STATE = "A state dict holds copies under names, for saving: what learns is `model.parameters()`."
_HINT_ARRAY = "Make a tensor of an array first: `torch.tensor(array, requires_grad=True)`."
_HINT_MODULE = "Of a module take `.parameters()`, of several `[*a.parameters(), *b.parameters()]`."
_NOTHING_TITLE = "{optimizer} was not told what to optimize"
_NOTHING = """
`{code}` gives no `params`: the first argument must be the parameters that the optimizer is to change, most
often `model.parameters()`, and settings such as `lr` come behind it.
"""


@failure
def optimizer_params(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an optimizer got something else than tensors in a list, or nothing, to optimize."""
    call = optimizer_made(step)
    if call is None or step.error is None or step.error.type not in ("TypeError", "AttributeError"):
        return None
    optimizer = _short(call)
    params = calls.argument(call, "params")
    if params is not None and call.source == "code":  # it was refused before it looked at them
        return None
    if params is None:
        if "'params'" not in step.error.message:
            return None
        title = fill(_NOTHING_TITLE, optimizer=optimizer)
        return Explanation("optimizer-params", "error", title, fill(_NOTHING, code=call.expression))
    found = failing(step)
    told = _what_is_wrong(params, found)
    if told is None:
        return None
    what, repair, code = told
    name = params.text or params.parameter
    fields = {"params": name, "what": what, "optimizer": optimizer}
    node = calls.node_of(found, call, params) if found is not None and code is not None else None
    fix = changed(found, node, code) if code is not None else None
    names = (name,) if name.isidentifier() else ()
    text = fill(_PARAMS, repair=fill(repair, params=name, instead=f"`{code}`"), **fields)
    return Explanation("optimizer-params", "error", fill(_PARAMS_TITLE, **fields), text, fix, names)


def optimizer_made(step: Step) -> FailedCall | None:
    """The failed call, where it makes an optimizer."""
    call = calls.failed(step)
    made = call is not None and call.form == "class" and call.name.startswith(_OPTIM)
    return call if made and call is not None and "lr_scheduler" not in call.name else None


def _short(call: FailedCall) -> str:
    return call.name.removeprefix(_OPTIM).partition(".")[0]


def _what_is_wrong(params: Argument, found: Failing | None) -> tuple[str, str, str | None] | None:
    """What the argument is, a template that says what to write, and code that takes its place."""
    text = params.text
    if params.kind == "tensor":
        return phrase(_ONE_TENSOR, what=calls.what(params)), _ONE, f"[{text}]" if text else None
    if params.kind == "module":
        return articled(params.type), _OF_MODULE, f"{text}.parameters()" if _is_plain(text) else None
    if params.kind == "function" and text.endswith("parameters"):
        return phrase(_A_METHOD), _UNCALLED, f"{text}()"
    if params.kind in ("list", "tuple"):
        odd = [one for one in params.types if one not in ("Tensor", "Parameter", "dict", "tuple")]
        if odd == ["generator"] and set(params.types) == {"generator"}:
            code = _spread(found, params)
            return phrase(_LIST_OF, members=_of_iterators(params)), _LISTED if code else _LISTED_FROM, code
        if odd:
            return phrase(_WITH_IN[params.kind], kinds=_kinds(odd)), _members(odd), None
    if params.kind == "dict":
        return calls.what(params), _filled(fill(_ARE_NAMES), _HINT_STATE), None
    if params.kind in ("number", "text", "none", "array", "object"):
        hint = _HINT_ARRAY if params.kind == "array" else ""
        what = phrase(_A_NUMBER, value=params.value) if params.kind == "number" else calls.what(params)
        return what, hint or _USUAL, None
    return None


_USUAL = "Most often it is `model.parameters()`, and it stands first, before `lr`."
_LISTED_FROM = (
    "What `.parameters()` gave is an iterator over tensors: use it as it is, without a list around."
)


def _of_iterators(params: Argument) -> str:
    return phrase(_ITERATOR if params.length == 1 else _ITERATORS, count=params.length)


def _filled(members: str, hint: str) -> str:
    return phrase(_MEMBERS, members=members, hint=hint)


def _kinds(types: Sequence[str]) -> str:
    kinds = [phrase(_A_TYPE, n="n" if one[:1].lower() in "aeiou" else "", type=one) for one in types]
    return reduce(lambda first, second: phrase(_AND_TYPE, first=first, second=second), kinds)


def _members(types: Sequence[str]) -> str:
    kinds = _kinds(types)
    hint = _HINT_ARRAY if "ndarray" in types else _HINT_MODULE if types[0][:1].isupper() else ""
    return _filled(fill(_IS_NONE, kinds=kinds), hint)


def _spread(found: Failing | None, params: Argument) -> str | None:
    """`[a.parameters(), b.parameters()]` with the members put into one list; one alone as it is."""
    try:
        node = ast.parse(params.text, mode="eval").body
    except SyntaxError:
        return None
    if not isinstance(node, ast.List) or any(isinstance(one, ast.Starred) for one in node.elts):
        return None
    members = [ast.unparse(one) for one in node.elts]
    return members[0] if len(members) == 1 else f"[{', '.join('*' + one for one in members)}]"


def _is_plain(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


# ── no-parameters ────────────────────────────────────────────────────────────

_NONE_PASSED = "No parameter passed the condition in it."
_EMPTY_TITLE = "{optimizer} got no parameters: `{params}` is empty"
_EMPTY = "An optimizer needs at least one tensor to change, and `{params}` gives none. {why}"
_USED = """
`.parameters()` gives an iterator, which can be gone through once: {at}, `{name}` was set to `{value}`, and
it has been gone through since. Ask for it again, `{value}`, or keep a list, `{name} = list({value})`.
"""
_PLAIN_LIST = """
The class {type} keeps its layers in a plain {container}, `self.{name}` ({at}), and modules in a plain
{container} are not registered: their parameters belong to nobody. Use `{better}`.
"""
_NO_LAYERS = (
    "No tensor in it is an nn.Parameter, and no layer with weights is set on it as `self.name = layer`."
)
_FILTERED = "The filter let none through: each parameter of it has requires_grad=False, so all is frozen."
_ONCE = """
It is an iterator, which can be gone through once: if something went through it before, nothing is left. Ask
for `.parameters()` again, or hand on a list, `list(model.parameters())`.
"""
_BARE = """
The class {type} sets `self.{name}` ({at}) to a plain tensor, and only an nn.Parameter is registered: write
`self.{name} = nn.Parameter(...)`, which requires grad by itself.
"""
_LITERAL = """
The list is written empty, or was never filled: put the parameters in, for instance `model.parameters()`.
"""


@failure
def no_parameters(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an optimizer is made with a list or an iterator of parameters that has nothing in it."""
    call = optimizer_made(step)
    if call is None or step.error is None or step.error.type != "ValueError":
        return None
    params = calls.argument(call, "params")
    if params is None or not (params.kind == "iterator" or params.length == 0):
        return None
    if params.kind == "iterator" and "empty parameter list" not in step.error.message:
        return None
    found = failing(step)
    why, code = _why_empty(step, past, found, params)
    node = calls.node_of(found, call, params) if found is not None and code is not None else None
    name = params.text or "params"
    fix = changed(found, node, code) if code is not None else None
    title = fill(_EMPTY_TITLE, optimizer=_short(call), params=name)
    return Explanation("no-parameters", "error", title, fill(_EMPTY, params=name, why=why), fix)


def _why_empty(step: Step, past: Past, found: Failing | None, params: Argument) -> tuple[str, str | None]:
    if params.kind != "iterator":
        return fill(_LITERAL), None
    text = params.text
    if found is not None and text.isidentifier():
        binding = last_set(step, past, found, text)
        value = source_of(binding) if binding is not None else ""
        if binding is not None and value.endswith("parameters()"):
            return fill(_USED, at=binding.at, name=text, value=value), value
        return fill(_ONCE, name=text), None
    if "requires_grad" in text:
        return fill(_FILTERED), None
    if " if " in text or text.startswith("filter("):
        return phrase(_NONE_PASSED), None
    owner = _owner(text)
    if owner is None or found is None:
        return "", None
    return _why_no_layers(step, past, _type_of(step, past, found, owner)), None


def _owner(text: str) -> ast.expr | None:
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
    asked = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    if not asked or not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    return node.func.value if node.func.attr.endswith("parameters") else None


def _type_of(step: Step, past: Past, found: Failing, owner: ast.expr) -> str:
    if isinstance(owner, ast.Call):
        return ast.unparse(owner.func)
    return found.modules.get(ast.unparse(owner), "")


def _why_no_layers(step: Step, past: Past, kind: str) -> str:
    own = defined(step, past, kind)
    if own is None:
        return fill(_NO_LAYERS)
    for name, (statement, value) in own.set_in("__init__").items():
        if isinstance(value, ast.List | ast.ListComp | ast.Dict | ast.DictComp | ast.Tuple):
            container = type(value).__name__.removesuffix("Comp").lower()
            better = "nn.ModuleDict({...})" if container == "dict" else "nn.ModuleList([...])"
            at = own.code.at(statement)
            fields = {"type": kind, "container": translated(container), "name": name, "at": at}
            return fill(_PLAIN_LIST, better=better, **fields)
        if "requires_grad" in ast.unparse(value):
            return fill(_BARE, type=kind, name=name, at=own.code.at(statement))
    return fill(_NO_LAYERS)


# ── non-leaf-param ───────────────────────────────────────────────────────────

_OPERATION, _OPERATION_OF = "an operation", "an operation ({node})"
_LEAF_TITLE = "`{name}` was computed: an optimizer can only change leaves"
_LEAF = """
`{name}` is {what}, and it is the result of {made}. An optimizer needs leaves, tensors that a computation
starts from, since backward puts `.grad` only there. {choice}
"""
_LEAF_NAMED = """
Make the values first and let them require grad then, `{name} = {name}.detach().requires_grad_()`; or, where
`{name}` has to be computed, give the optimizer the tensors that it is computed from.
"""


_LEAF_UNNAMED = "Give it the tensors that this is computed from."


@failure
def non_leaf_param(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor that was computed from others that require grad is given to an optimizer."""
    call = calls.failed(step)
    if call is None or step.error is None or not call.name.startswith(_OPTIM):
        return None
    if step.error.type != "ValueError" or "leaf" not in step.error.message:
        return None
    computed = [one for one in calls.tensors(call) if one.is_leaf is False]
    if len(computed) != 1:
        return None
    one = computed[0]
    found = failing(step)
    name = one.name or calls.label(call.arguments[0]).strip("`")
    fix = None
    made = _made(step, past, found, one)
    if found is not None and name.isidentifier() and "requires_grad=True" in made:  # it has no other leaf
        line = f"{name} = {name}.detach().requires_grad_()"
        fix = found.changed(insert_line(found.source, found.statement, line, after=False))
    fields = {"name": name, "what": calls.tensor_text(one), "made": made}
    choice = fill(_LEAF_NAMED if name.isidentifier() else _LEAF_UNNAMED, name=name)
    text = fill(_LEAF, choice=choice, **fields)
    names = (name,) if name.isidentifier() else ()
    return Explanation("non-leaf-param", "error", fill(_LEAF_TITLE, name=name), text, fix, names)


def _made(step: Step, past: Past, found: Failing | None, one: Operand) -> str:
    binding = last_set(step, past, found, one.name) if found is not None and one.name else None
    if binding is not None:
        return f"`{source_of(binding)}` ({binding.at})"
    return phrase(_OPERATION_OF, node=one.grad_fn) if one.grad_fn else phrase(_OPERATION)


# ── parameter-groups ─────────────────────────────────────────────────────────

_KEYS_HERE = "; here it has {keys}"
_OF_LENGTH, _A_DICTIONARY = "a {kind} of {count}", "a dictionary"
_IS_MADE = "`{name}` is {what}{shown}."
_TWICE_TITLE = "A parameter stands in two groups of {optimizer}"
_TWICE = """
{given} Each parameter must be in one group only, or it would be changed twice in a step. Leave it out of
all groups but one.
"""
_GROUPS_TITLE = "{optimizer} cannot use these groups of parameters"
_KEY = """
{given} A group needs its tensors under the key `params`: `{{'params': model.parameters(), 'lr':
0.1}}`{found}.
"""
_NO_GROUPS = (
    "{given} {optimizer} takes no groups: it needs all parameters in one list, with one set of settings."
)
_NOT_DICT = """
{given} A group must be a dictionary: `{{'params': {text}}}`, with settings of its own beside it where it
needs them, such as `'lr': 0.01`.
"""
_MIXED = """
{given} Either all parameters must have names, as `model.named_parameters()` gives them, or none: a pair
`('name', tensor)` and a bare tensor cannot stand together, neither in a group nor in two groups.
"""


@failure
def parameter_groups(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when groups of parameters overlap, lack `params`, are no dictionaries, or mix names and none."""
    call = calls.failed(step)
    if call is None or step.error is None or not call.name.startswith(_OPTIM):
        return None
    making = call.form == "class" and "lr_scheduler" not in call.name
    if not making and not call.name.endswith(".add_param_group"):
        return None
    told = _about_groups(step, call)
    if told is None:
        return None
    template, fields = told
    optimizer = _short(call)
    title = fill(_TWICE_TITLE if template is _TWICE else _GROUPS_TITLE, optimizer=optimizer)
    text = fill(template, given=_given(call), optimizer=optimizer, **fields)
    fix = None
    if template is _NOT_DICT and call.arguments[0].text:
        found = failing(step)
        node = calls.node_of(found, call, call.arguments[0]) if found is not None else None
        fix = changed(found, node, f'{{"params": {call.arguments[0].text}}}')
    return Explanation("parameter-groups", "error", title, text, fix)


def _about_groups(step: Step, call: FailedCall) -> tuple[str, dict[str, str]] | None:
    message = step.error.message if step.error is not None else ""
    if "more than one parameter group" in message:
        return _TWICE, {}
    if "with/without names" in message:
        return _MIXED, {}
    if "parameter groups)" in message:
        return _NO_GROUPS, {}
    if step.error is not None and step.error.type == "KeyError" and message.strip("'\"") == "params":
        inner = calls.argument(list(calls.chain(call))[-1], "param_group")
        keys = inner.keys if inner is not None else ()
        return _KEY, {"found": phrase(_KEYS_HERE, keys=code_list(keys)) if keys else ""}
    if "must be a dict" in message and call.arguments:
        return _NOT_DICT, {"text": call.arguments[0].text or "[tensor]"}
    return None


def _given(call: FailedCall) -> str:
    params = calls.argument(call, "params", "param_group")
    if params is None:
        return ""
    named = [one.name for one in params.items if one.name]
    tensors = {one.name: shape_text(one.shape or ()) for one in params.items if one.name}
    shown = f" ({', '.join(f'`{name}` {tensors[name]}' for name in named[:4])})" if named else ""
    members = (
        phrase(_OF_LENGTH, kind=translated(params.kind), count=params.length)
        if params.kind in ("list", "tuple")
        else calls.what(params)
    )
    members = phrase(_A_DICTIONARY) if params.kind == "dict" else members
    return phrase(_IS_MADE, name=params.text or params.parameter, what=members, shown=shown)
