"""What autograd is asked for and cannot do: gradients of what is not there, flags, copies, assignments."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls, repairs
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import failing, replace, words
from tutor.explain.wording import code_list, fill, maker, phrase, shape_text
from tutor.facts import Argument, Explanation, Operand, Snapshot, Step

_GRADIENT_TITLE = "`{code}` gives {name}, and the gradient to start from must be a tensor"
_GRADIENT = """
{is_}. What is given to backward is the gradient of the result itself, a tensor of its shape, {shape}. {cure}
"""
_GRADIENT_ONE = "Of a single number that is 1 anyway, and can be left away: `{code}`."
_GRADIENT_WRAP = "Make a tensor of it: `{code}`."

_NUMBER_TITLE = "`{name}` is a plain number, and has no `{asked}`"
_NUMBER = """
`{name}` is {article} {type} of Python, not a tensor: only tensors have `{asked}`. {cure}
"""
_NUMBER_BACKWARD = """
A number has no history to go back through. `.item()`, `float(...)` and sums of such numbers give one: call
backward on the tensor before, and take its number only to print or to keep it.
"""
_NUMBER_ITEM = "It is what `.item()` would give: leave `.item()` away."
_COMPLEX_TITLE = "{name} is complex, and backward must start from a real number"
_COMPLEX = """
{name} is {what}. "How much it grows" is a question for real numbers only: make one of it that you mean to
make small or great, such as `{closed}.abs()` or `{closed}.real`.
"""

_UNUSED_TITLE = "{name} took no part in {outputs}"
_UNUSED = """
`{code}` asks how {outputs} changes with {name}, and {outputs} was not computed from {name}: there is no
way back to it. {cure}
"""
_UNUSED_CURE = """
If {name} should take part, look where {outputs} is computed: another variable stands there, or a step such as
`.detach()` or `.item()` cut the way. torch's hint `allow_unused=True` only puts None into its place, which is
right where it may be left out.
"""
_NO_GRAD_TITLE = "{name} does not require grad"
_NO_GRAD = """
`{code}` asks for the gradient with respect to {name}, which is {what} and does not require grad: autograd
did not record what was computed from it. Say `{plain}.requires_grad_()` before {outputs} is computed, or
leave {name} away.
"""

_FLAG_TITLE = "{name} was computed, so its `requires_grad` cannot be changed"
_FLAG = """
{name} is no leaf: it was computed{maker} from tensors that require grad, and requires grad for that
reason. Only on leaves, where a computation starts, the flag is yours to set. To go on with the numbers
alone, without their history: `{code}`.
"""
_COPY_TITLE = "{name} has a history, and deepcopy copies no history"
_COPY = """
{name} is no leaf: it was computed{maker}, and a copy would need a copy of all that it was computed from.
{cure}
"""
_COPY_CURE = "To copy its numbers: `{code}`; for a copy that autograd records, `{closed}.clone()`."
_COPY_INSIDE = """
`{code}` found it inside of what it copies: something there keeps a result with its history, often as an
attribute or in a list. Keep `.detach()` of it instead.
"""
_ASSIGN_TITLE = "`{name}.grad` must fit `{name}`"
_ASSIGN = """
`{name}` is {what}, and a gradient holds one number for each of its elements, in its shape and dtype:
{given} does not fit. {cure}
"""
_ASSIGN_NONE = "To clear a gradient write `{name}.grad = None`, or `optimizer.zero_grad()` for all of them."
_HOOK_TITLE = "{name} does not require grad, so `{method}` has nothing to wait for"
_HOOK = """
{name} is {what} and does not require grad: no backward will ever come to it. Make it with
`requires_grad=True`, or call it on something that was computed from a tensor that requires grad.
"""
_OUT_TITLE = "`out=` cannot be used where autograd records"
_OUT = """
{who} {require} grad, so autograd would record `{code}`; writing the result into memory that is there, with
`out=`, it cannot record. Leave `out=` away, `{plain}`, or put the statement under `with torch.no_grad():`.
"""
_RESIZE_TITLE = "{name} requires grad and cannot be given another size in place"
_RESIZE = """
{name} is {what} and requires grad; `{method}` changes its memory without a record of it. For the same
numbers in another shape use `{closed}.reshape(...)`, for new values make a new tensor.
"""


_GIVEN_IS = "{name}, {what},"
_IS_TYPE = "{name} is {article} {type}"
_SAME_SHAPE = "the same as that"
_RESULT = "the result"
_ONE_OF = "one of {names}"
_BY = " by `{name}`"
_A_TENSOR = "a tensor {what}"
_ONE_TENSOR = "One of the tensors"


def _message(step: Step, *types: str) -> str:
    error = step.error
    return error.message if error is not None and (not types or error.type in types) else ""


@failure
def gradient_argument(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when backward or `autograd.grad` was given a number or a list for the gradient to start from."""
    call = calls.find(step, {"backward", "grad"})
    told = ("not iterable", "gradients can be either", "has no attribute", "must be Tensor")
    message = _message(step, "TypeError", "AttributeError")
    if call is None or not any(one in message for one in told):
        return None
    one = calls.argument(call, "gradient", "grad_outputs", "grad_tensors")
    if one is None or one.kind in ("tensor", "none"):
        return None
    found = failing(step)
    node = found.expression if found is not None else None
    start = call.arguments[0] if call.arguments else None
    given = _given(node)
    if found is None or given is None or not isinstance(node, ast.Call):
        return None
    text = repairs.code_of(given, found.source)
    shape = start.operand.shape if start is not None and start.operand is not None else None
    if isinstance(node.func, ast.Attribute) and node.func.attr == "backward" and shape is None:
        facts = found.tensors.get(words(node.func.value, found.source))
        shape = facts.shape if facts is not None else None
    whole = _receiver(node, found.source)
    if whole and shape == () and one.value in ("1", "1.0") and len(node.args) + len(node.keywords) == 1:
        code = f"{whole}.backward()"
        cure, fix = fill(_GRADIENT_ONE, code=code), repairs.exchange(found, node, code)
    else:
        code = f"torch.tensor({text})"
        if one.kind == "number" and whole:
            code = f"torch.full_like({whole}, {text})"
        elif one.kind in ("list", "tuple") and "." not in (one.value or ""):
            code = f"torch.tensor({text}, dtype=torch.float32)"
        cure, fix = fill(_GRADIENT_WRAP, code=code), repairs.exchange(found, given, code)
        fix = None if one.kind == "number" and not whole else fix
    name = f"`{text}`"
    article = f"a{'n' if one.type[:1] in 'aeiou' else ''}"
    body = fill(
        _GRADIENT,
        is_=phrase(_IS_TYPE, name=name, article=article, type=one.type),
        shape=shape_text(shape) if shape is not None else _SAME_SHAPE,
        cure=cure,
    )
    return Explanation(
        "gradient-argument",
        "error",
        fill(_GRADIENT_TITLE, code=words(node, found.source), name=name),
        body,
        fix,
    )


def _receiver(node: ast.Call, source: str) -> str:
    function = node.func
    plain = isinstance(function, ast.Attribute) and function.attr == "backward"
    return repairs.closed(function.value, source) if plain and isinstance(function, ast.Attribute) else ""


def _given(node: ast.AST | None) -> ast.expr | None:
    """The gradient in `y.backward(g)` and `grad(y, x, grad_outputs=g)`."""
    if not isinstance(node, ast.Call):
        return None
    for word in node.keywords:
        if word.arg in ("gradient", "grad_outputs", "grad_tensors"):
            return word.value
    return (
        node.args[0]
        if node.args and isinstance(node.func, ast.Attribute) and node.func.attr == "backward"
        else None
    )


@failure
def backward_of_number(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a plain number of Python was asked for what only tensors have, such as `backward`."""
    missing = step.error.missing if step.error is not None else None
    if missing is None or missing.kind != "attribute" or missing.type not in ("float", "int", "bool"):
        return None
    if missing.name not in _OF_TENSORS:
        return None
    fields = {"name": missing.owner, "type": missing.type, "asked": missing.name}
    cure = _NUMBER_BACKWARD if missing.name == "backward" else _NUMBER_ITEM if missing.name == "item" else ""
    text = fill(_NUMBER, article="an" if missing.type == "int" else "a", cure=fill(cure, **fields), **fields)
    title = fill(_NUMBER_TITLE, **fields)
    return Explanation("number-not-tensor", "error", title, text)


_OF_TENSORS = frozenset(
    {"backward", "item", "detach", "grad", "requires_grad", "cpu", "numpy", "shape", "size", "tolist", "dim"}
)


@failure
def complex_backward(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when backward was to start from a complex number."""
    call = calls.find(step, {"backward", "grad"})
    if call is None or "real scalar outputs" not in _message(step, "RuntimeError"):
        return None
    one = call.arguments[0] if call.arguments else None
    if one is None:
        return None
    name = calls.label(one)
    text = fill(_COMPLEX, name=name, what=calls.what(one), closed=name.strip("`"))
    return Explanation("complex-backward", "error", fill(_COMPLEX_TITLE, name=name), text)


@failure
def unused_in_grad(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `autograd.grad` was asked about a tensor that the result was not computed from."""
    call = calls.find(step, {"grad"})
    message = _message(step, "RuntimeError")
    inputs = calls.argument(call, "inputs") if call is not None else None
    if call is None or inputs is None:
        return None
    at = re.search(r"Tensor at index (\d+) appears to not have been used", message)
    without = "One of the differentiated Tensors does not require grad" in message
    items = list(inputs.items) or ([inputs.operand] if inputs.operand is not None else [])
    if at is not None and int(at[1]) < len(items):
        one = items[int(at[1])]
    elif without:
        missing = [item for item in items if item.requires_grad is False]
        if not missing:
            return None
        one = missing[0]
    else:
        return None
    name = _named(one, inputs, len(items))
    outputs = calls.argument(call, "outputs")
    result = calls.label(outputs) if outputs is not None and outputs.text else phrase(_RESULT)
    fields = {"name": name, "outputs": result, "code": call.expression, "plain": name.strip("`")}
    names = (one.name,) if one.name in step.snapshot.tensors else ()
    if without:
        text = fill(_NO_GRAD, what=calls.tensor_text(one), **fields)
        return Explanation("unused-in-grad", "error", fill(_NO_GRAD_TITLE, **fields), text, None, names)
    text = fill(_UNUSED, cure=fill(_UNUSED_CURE, **fields), **fields)
    return Explanation("unused-in-grad", "error", fill(_UNUSED_TITLE, **fields), text, None, names)


def _named(one: Operand, argument: Argument, count: int) -> str:
    if one.name and count > 1:
        return f"`{one.name}`"
    return calls.label(argument) if count == 1 else phrase(_ONE_OF, names=calls.label(argument))


def _maker(operand: Operand) -> str:
    if not operand.grad_fn:
        return ""
    return phrase(_BY, name=maker(operand.grad_fn))


@failure
def flag_of_computed(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when `requires_grad` of a computed tensor was to be changed."""
    call = calls.find(step, {"requires_grad", "requires_grad_"})
    if call is None or "requires_grad flags of leaf" not in _message(step, "RuntimeError"):
        return None
    one = call.arguments[0] if call.arguments else None
    found = failing(step)
    if one is None or one.operand is None or found is None:
        return None
    name = calls.label(one)
    plain = name.strip("`")
    code, fix = f"{plain}.detach()", None
    statement = found.statement
    if plain.isidentifier() and isinstance(statement, ast.Assign | ast.Expr):
        code = f"{plain} = {plain}.detach()"
        fix = found.changed(replace(found.source, statement, [code]))
    text = fill(_FLAG, name=name, maker=_maker(one.operand), code=code)
    names = (plain,) if plain in step.snapshot.tensors else ()
    return Explanation("flag-of-computed", "error", fill(_FLAG_TITLE, name=name), text, fix, names)


@failure
def deepcopy_of_computed(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor with a history was to be copied deeply, by itself or inside of something."""
    chain = list(calls.chain(calls.failed(step)))
    if not chain or "support the deepcopy protocol" not in _message(step, "RuntimeError"):
        return None
    operand = next((one.operand for one in chain[-1].arguments if one.operand is not None), None)
    found = failing(step)
    node = found.expression if found is not None else None
    if operand is None or found is None or not isinstance(node, ast.Call) or not node.args:
        return None
    text = repairs.code_of(node.args[0], found.source)
    direct = chain[-1].arguments[0].text == text
    closed = repairs.closed(node.args[0], found.source)
    name = f"`{text}`" if direct else phrase(_A_TENSOR, what=calls.tensor_text(operand))
    fix = None
    if direct:
        code = f"{closed}.detach().clone()"
        cure, fix = fill(_COPY_CURE, code=code, closed=closed), repairs.exchange(found, node, code)
    else:
        cure = fill(_COPY_INSIDE, code=words(node, found.source))
    body = fill(_COPY, name=_first(name), maker=_maker(operand), cure=cure)
    names = (text,) if text in step.snapshot.tensors else ()
    return Explanation(
        "deepcopy-of-computed", "error", _first(fill(_COPY_TITLE, name=name)), body, fix, names
    )


@failure
def gradient_assigned(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when something was set as `.grad` that does not fit its tensor."""
    message = _message(step, "RuntimeError", "TypeError")
    if "assign a gradient" not in message and "assigned grad" not in message:
        return None
    found = failing(step)
    statement = found.statement if found is not None else None
    if found is None or not isinstance(statement, ast.Assign):
        return None
    target = statement.targets[0]
    if not isinstance(target, ast.Attribute) or target.attr != "grad":
        return None
    name = words(target.value, found.source)
    facts = found.tensors.get(name)
    call = calls.failed(step)
    given = call.arguments[-1] if call is not None and call.arguments else None
    if facts is None or facts.shape is None or given is None:
        return None
    said = f"`{words(statement.value, found.source)}`"
    number = given.operand is None
    text = fill(
        _ASSIGN,
        name=name,
        what=f"{shape_text(facts.shape)} {facts.dtype}",
        given=said if number else phrase(_GIVEN_IS, name=said, what=calls.what(given)),
        cure=fill(_ASSIGN_NONE, name=name) if number else "",
    )
    fix = None
    if number and given.value in ("0", "0.0"):
        fix = found.changed(replace(found.source, statement, [f"{name}.grad = None"]))
    names = (name,) if name in step.snapshot.tensors else ()
    return Explanation("gradient-assigned", "error", fill(_ASSIGN_TITLE, name=name), text, fix, names)


@failure
def hook_without_grad(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor that gets no gradient was to keep one, or to call a hook with it."""
    call = calls.find(step, {"retain_grad", "register_hook", "register_post_accumulate_grad_hook"})
    message = _message(step, "RuntimeError")
    if call is None or not any(one in message for one in ("requires_grad=False", "doesn't require grad")):
        return None
    one = call.arguments[0] if call.arguments else None
    if one is None or one.operand is None:
        return None
    name, method = calls.label(one), call.name.rpartition(".")[2]
    text = fill(_HOOK, name=name, what=calls.what(one))
    title = fill(_HOOK_TITLE, name=name, method=method)
    names = (one.operand.name,) if one.operand.name in step.snapshot.tensors else ()
    return Explanation("hook-without-grad", "error", title, text, None, names)


@failure
def out_with_grad(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a result was to be written with `out=` while autograd records."""
    call = calls.failed(step)
    if call is None or "don't support automatic differentiation" not in _message(step, "RuntimeError"):
        return None
    who = [
        calls.label(one) for one in call.arguments if one.operand is not None and one.operand.requires_grad
    ]
    rest = re.sub(r",?\s*out=[^,()]*(\([^()]*\))?", "", call.expression)
    text = fill(
        _OUT,
        who=_joined(who) or _ONE_TENSOR,
        require="require" if len(who) > 1 else "requires",
        code=call.expression,
        plain=rest,
    )
    return Explanation("out-with-grad", "error", _OUT_TITLE, text)


@failure
def resize_with_grad(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a tensor that requires grad was to be resized in place."""
    call = calls.failed(step)
    if call is None or "cannot resize variables that require grad" not in _message(step, "RuntimeError"):
        return None
    one = call.arguments[0] if call.arguments else None
    if one is None or one.operand is None:
        return None
    name = calls.label(one)
    text = fill(
        _RESIZE, name=name, what=calls.what(one), method=call.name.rpartition(".")[2], closed=name.strip("`")
    )
    return Explanation("resize-with-grad", "error", fill(_RESIZE_TITLE, name=name), text)


def _joined(names: list[str]) -> str:
    return code_list([name.strip("`") for name in names], 4) if names else ""


def _first(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
