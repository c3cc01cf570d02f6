"""Backward from several elements: without a weight for each of them, or with weights of another shape."""

from __future__ import annotations

import ast
import re
from math import prod

from tutor.explain.arguments import operand
from tutor.explain.bindings import Code, surroundings
from tutor.explain.engine import failure
from tutor.explain.origins import Story
from tutor.explain.passes import Backward, FailingPass, failing_pass
from tutor.explain.past import Past
from tutor.explain.reading import insert_after, insert_before_attribute, path, raised, words
from tutor.explain.rules.integers import replace_node
from tutor.explain.wording import count_text, fill, phrase, shape_text
from tutor.facts import Explanation, Shape, Snapshot, Step

# ── several elements ─────────────────────────────────────────────────────────

_NOT_SCALAR_TITLE = "`{start}` is not a single number"
_NOT_SCALAR = """
A gradient says how one number changes, and `{start}` has {what}. If you want the gradient of their sum, which
for an elementwise computation is each element's own, {summed}; for a loss per sample, `{mean}` is usual.
If you have a weight for each element, pass the weights, in the shape of `{start}`, as {weights}. {kept}
"""


_SEVERAL = "several elements"
_COUNTED = "shape {shape}, {count}"
_WRITE_SUM = "write `{code}.sum().backward()`"
_START_SUM = "start from `{code}.sum()`"
_WEIGHTS_OF_GRAD = "`grad_outputs=` or `grad_tensors=`"
_KEPT_APART = """
It has several because `reduction="none"` ({made}) keeps one loss for each element: without it, the loss is
their mean.
"""
#: Methods that without an argument give a single number.
_REDUCING = frozenset({"sum", "mean", "prod", "max", "min", "norm", "std", "var", "median", "amax", "amin"})


@failure
def non_scalar_backward(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when backward without a gradient argument started from a tensor of several elements."""
    if not raised(step, "grad can be implicitly created only for scalar outputs"):
        return None
    found = next((one for which in range(20) if not _is_number(one := failing_pass(step, which))), None)
    if found is None:
        return None
    what, known = _SEVERAL, operand(found.failing, found.backward.start)
    if known is not None:
        what = phrase(_COUNTED, shape=shape_text(known.shape), count=count_text(known.numel, "element"))
    start, source = found.backward.start, found.failing.source
    simple = isinstance(start, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    code = found.start if simple or found.start.startswith("(") else f"({found.start})"
    fix = found.failing.changed(_summed(source, found.backward))
    title = fill(_NOT_SCALAR_TITLE, start=found.start)
    method = found.backward.is_method
    text = fill(
        _NOT_SCALAR,
        start=code,
        what=what,
        summed=phrase(_WRITE_SUM if method else _START_SUM, code=code),
        mean=f"{code}.mean().backward()" if method else f"{code}.mean()",
        weights="`gradient=`" if method else _WEIGHTS_OF_GRAD,
        kept=_kept_apart(found, Story(step, past, found.failing)),
    )
    return Explanation("non-scalar-backward", "error", title, text, fix, found.names)


def _is_number(found: FailingPass | None) -> bool:
    """Whether a pass starts from one element, which is no error."""
    if found is None:
        return False
    known = operand(found.failing, found.backward.start)
    if known is not None:
        return known.numel == 1
    start = found.backward.start
    if not isinstance(start, ast.Call) or not isinstance(start.func, ast.Attribute):
        return False
    return start.func.attr in _REDUCING and not start.args and not start.keywords


def _kept_apart(found: FailingPass, story: Story) -> str:
    """Where a loss was asked to keep its elements apart."""
    code, start = story.here, found.backward.start
    around = surroundings(code, start)
    values: list[tuple[ast.AST, Code]] = [(start, code)]
    for _ in range(3):
        for value, where in values[:20]:
            for node in ast.walk(value):
                word = next((w for w in getattr(node, "keywords", []) if w.arg == "reduction"), None)
                if word is not None and isinstance(word.value, ast.Constant) and word.value.value == "none":
                    return fill(_KEPT_APART, made=where.at(node))
        values = [
            (origin.binding.value, origin.binding.code)
            for value, where in values[:20]
            for name in dict.fromkeys(filter(None, map(path, ast.walk(value))))
            for origin in story.origins(name, code, code.start(found.backward.node), around)
        ]
    return ""


def _summed(source: str, backward: Backward) -> str | None:
    """`source` with the sum of what backward starts from."""
    start = backward.start
    if isinstance(start, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
        return insert_after(source, start, ".sum()")
    # Parentheses around the start of a method belong to it and do not count into its span.
    if backward.is_method and isinstance(backward.node.func, ast.Attribute):
        return insert_before_attribute(source, backward.node.func, ".sum()")
    code = ast.get_source_segment(source, start)
    return replace_node(source, start, f"({code}).sum()") if code is not None else None


# ── weights of another shape ────────────────────────────────────────────────────────

_TITLE = "The weights of shape {given} do not fit `{start}` of shape {shape}"
_TEXT = """
`{call}` starts from `{start}`, of shape {shape}, and what is given for it weighs each of its elements: the
gradients of all elements are multiplied with their weights and added up. So the weights must have shape
{shape} too, and {weights} has {given}. {cure}
"""
_GIVEN = "what was given"
_ONE = "`{start}` is a single number and needs no weights: leave them away."
_SAME = "They have as many elements: `{weights}.reshape({sizes})` puts them into that shape."
_EACH = "For the plain sum of all elements, give `torch.ones_like({start})`."


@failure
def gradient_shape(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when the gradient that a backward was given has another shape than its result."""
    message = step.error.message if step.error is not None else ""
    told = re.search(r"grad_output\[(\d+)\].*?Size\(\[([\d, ]*)\]\).*?Size\(\[([\d, ]*)\]\)", message)
    if told is None or not raised(step, "Mismatch in shape: grad_output["):
        return None
    which = int(told[1])
    found = failing_pass(step, which)
    if found is None:
        return None
    given, shape = _shape(told[2]), _shape(told[3])
    start, weights = found.start, _weights(found.backward, which)
    code = words(weights, found.failing.source) if weights is not None else ""
    fields = {"start": start, "given": shape_text(given), "shape": shape_text(shape)}
    text = fill(
        _TEXT,
        **fields,
        call=found.call,
        weights=f"`{code}`" if code else _GIVEN,
        cure=_cure(start, code, given, shape),
    )
    names = [path(node) for node in (found.backward.start, weights) if node is not None]
    known = tuple(name for name in names if name is not None and name in found.failing.tensors)
    return Explanation("gradient-shape", "error", fill(_TITLE, **fields), text, None, known)


def _shape(text: str) -> Shape:
    return tuple(int(size) for size in text.split(",") if size.strip())


def _weights(call: Backward, which: int) -> ast.expr | None:
    """The expression of the weights for one of the starts."""
    words_given = {word.arg: word.value for word in call.node.keywords}
    names = ("gradient", "grad_tensors", "grad_outputs")
    value = next((words_given[name] for name in names if name in words_given), None)
    at = 0 if call.is_method else 2 if (path(call.node.func) or "").endswith("grad") else 1
    if value is None and len(call.node.args) > at:
        value = call.node.args[at]
    if isinstance(value, ast.List | ast.Tuple):
        value = value.elts[which] if which < len(value.elts) else None
    return value


def _cure(start: str, weights: str, given: Shape, shape: Shape) -> str:
    if not shape:
        return fill(_ONE, start=start)
    simple = re.fullmatch(r"[\w.\[\]]+", weights) is not None
    if prod(given) == prod(shape) and simple:
        return fill(_SAME, weights=weights, sizes=", ".join(map(str, shape)))
    return fill(_EACH, start=start)
