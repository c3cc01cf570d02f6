"""Losses whose predictions and targets do not fit, and class numbers that no score belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from tutor.explain import calls, subjects
from tutor.explain.engine import failure
from tutor.explain.lineage import tells_makers
from tutor.explain.past import Past
from tutor.explain.wording import count_text, fill, phrase, shape_text
from tutor.facts import Argument, Explanation, FailedCall, Shape, Snapshot, Step

_BATCH_TITLE = "{rows} predictions meet {targets} targets"
_SHAPE_TITLE = "The targets of `{code}` have shape {target}, and need {wanted}"
_SAME_TITLE = "Predictions {input} and targets {target} must have the same shape"
_CLASSES = """
{shape}: {reading}, so the targets, one number of a class for each, must have shape {wanted}. {target}.
{hint}
"""
_ROWS = "{rows} with {scores} each"
_PLACES = "scores for {classes} classes in dimension 1, at each place of shape {wanted}"
_ONE_ROW = "one row of {scores}, without a batch"
_SQUEEZE = "Without its size of 1 it fits: `{fixed}`."
_ONE_HOT = """
They look like one row of truth values for each prediction: `{index}` gives the number of the class instead.
"""
_LAST = "The classes seem to stand last: they belong in dimension 1, as in `{fixed}`."
_COUNTS = """
So there are {rows} predictions and {targets} targets: look where some went. A `view(-1, n)` with a wrong
`n` changes their number, where `flatten(1)` keeps it.
"""
_PROBABILITIES = """
{shape} and {target}. Targets in floats are probabilities, one for each class, so they must have the same
shape as the scores. For numbers of classes, give whole numbers: `{fixed}`.
"""
_SAME = """
{shape} and {target}. `{operation}` compares each prediction with one target and stretches nothing, so both
must have the same shape. {hint}
"""
_WEIGHT_IS = "{name} is {shape}"
_WEIGHT_TITLE = "{has} weights for {classes} classes"
_WEIGHT = """
{weight}, and {shape}: that is {classes} classes, and `weight` must have one number for each of them.
"""
_RANGE_TITLE = "There are scores for {classes} classes, and a target is class {wrong}"
_RANGE = """
{shape}: scores for {classes} classes, so each target must be from 0 to {last}. {target} {holds}. {hint}
"""
_FROM_ONE = """
If your classes are counted from 1, subtract 1: `{target} - 1`. If there are {count} classes, the last layer
must give {count} scores.
"""
_MORE = "If there are {count} classes, the last layer must give {count} scores."
_NEGATIVE = "{wrong} counts for nothing here: to leave entries out, give `ignore_index={wrong}`."
_HOT_TITLE = "`num_classes` is {classes}, and a class is {wrong}"
_HOT = """
{target} and holds classes from {low} to {high}, and with `num_classes={classes}` each must be from 0 to
{last}. Give `num_classes={count}`, or look where {wrong} comes from.
"""

_SCORES = frozenset({"cross_entropy", "nll_loss"})
_PAIRS = frozenset({"binary_cross_entropy", "binary_cross_entropy_with_logits"})
_NO_CLASS = -100


@dataclass(frozen=True)
class _Loss:
    """A failed loss: what was predicted and what should have been."""

    call: FailedCall
    operation: str
    input: Argument
    target: Argument
    scores: Shape
    targets: Shape

    @property
    def whole(self) -> bool:
        """Whether the targets are whole numbers."""
        dtype = self.target.operand.dtype if self.target.operand is not None else None
        return (dtype or "").startswith(("int", "uint", "long"))

    @property
    def wanted(self) -> Shape:
        """The shape of numbers of classes for these scores."""
        return (*self.scores[:1], *self.scores[2:]) if len(self.scores) > 1 else ()

    @property
    def classes(self) -> int:
        return self.scores[1] if len(self.scores) > 1 else self.scores[0]


def _loss(step: Step, operations: frozenset[str]) -> _Loss | None:
    refused = subjects.refused(step)
    call = next((one for one in calls.chain(refused) if calls.operation(one) in operations), None)
    if call is None or call.form == "class":
        return None
    given, target = subjects.tensor(call, "input"), subjects.tensor(call, "target")
    scores, targets = subjects.shape(given), subjects.shape(target)
    if given is None or target is None or scores is None or targets is None:
        return None
    return _Loss(call, calls.operation(call), given, target, scores, targets)


_Told = tuple[str, str, str | None]


@failure
@tells_makers
def loss_shapes(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when predictions and targets of a loss do not have the shapes that it compares."""
    loss = _loss(step, _SCORES | _PAIRS)
    if loss is None:
        return None
    told = _pairs(step, loss) if loss.operation in _PAIRS else _scores(step, loss)
    if told is None:
        return None
    names = subjects.evidence(step, [loss.input, loss.target])
    title, text, fix = told
    return Explanation("loss-shapes", "error", title, text, fix, names)


def _scores(step: Step, loss: _Loss) -> _Told | None:
    """Scores against numbers of classes."""
    if not loss.scores:
        return None
    if not loss.whole:
        return _probabilities(loss)
    if loss.targets == loss.wanted:
        return _weight(loss)
    hint, fix = _class_hint(step, loss)
    text = fill(
        _CLASSES,
        shape=subjects.sentence(subjects.shape_of(loss.input)),
        reading=_reading(loss),
        wanted=shape_text(loss.wanted),
        target=subjects.sentence(subjects.shape_of(loss.target)),
        hint=hint,
    )
    if len(loss.targets) == len(loss.wanted) == 1:
        return fill(_BATCH_TITLE, rows=loss.wanted[0], targets=loss.targets[0]), text, fix
    code = subjects.code_of(loss.call)
    fields = {"target": shape_text(loss.targets), "wanted": shape_text(loss.wanted)}
    return fill(_SHAPE_TITLE, code=code, **fields), text, fix


def _reading(loss: _Loss) -> str:
    """What scores of this shape are taken for."""
    scores = count_text(loss.classes, "score")
    if len(loss.scores) == 1:
        return fill(_ONE_ROW, scores=scores)
    if len(loss.scores) == 2:
        return fill(_ROWS, rows=count_text(loss.scores[0], "row"), scores=scores)
    return fill(_PLACES, classes=loss.classes, wanted=shape_text(loss.wanted))


def _class_hint(step: Step, loss: _Loss) -> tuple[str, str | None]:
    for at, size in enumerate(loss.targets):
        if size == 1 and (*loss.targets[:at], *loss.targets[at + 1 :]) == loss.wanted:
            method = f".squeeze({at})"
            hint = fill(_SQUEEZE, fixed=subjects.with_text(loss.target, method))
            return hint, subjects.on_argument(step, loss.call, loss.target, method)
    if loss.targets == loss.scores:
        method = f".argmax({min(1, len(loss.scores) - 1)})"
        return fill(_ONE_HOT, index=subjects.with_text(loss.target, method)), None
    if len(loss.scores) > 2 and loss.targets == loss.scores[:-1]:
        count = len(loss.scores)
        order = ", ".join(map(str, (0, count - 1, *range(1, count - 1))))
        method = ".transpose(1, 2)" if count == 3 else f".permute({order})"
        hint = fill(_LAST, fixed=subjects.with_text(loss.input, method))
        return hint, subjects.on_argument(step, loss.call, loss.input, method)
    if len(loss.scores) == 2 and loss.targets and loss.targets[0] != loss.scores[0]:
        return fill(_COUNTS, rows=loss.scores[0], targets=loss.targets[0]), None
    return "", None


def _probabilities(loss: _Loss) -> _Told | None:
    if loss.targets in (loss.scores, loss.wanted) or loss.operation != "cross_entropy":
        return None
    text = fill(
        _PROBABILITIES,
        shape=subjects.sentence(subjects.shape_of(loss.input)),
        target=subjects.shape_of(loss.target),
        fixed=subjects.with_text(loss.target, ".long()"),
    )
    fields = {"input": shape_text(loss.scores), "target": shape_text(loss.targets)}
    return fill(_SAME_TITLE, **fields), text, None


def _weight(loss: _Loss) -> _Told | None:
    given = calls.argument(loss.call, "weight")
    own = loss.call.module.tensors.get("weight") if loss.call.module is not None else None
    sizes = own.shape if own is not None else subjects.shape(given)
    if sizes is None or sizes == (loss.classes,):
        return None
    who = (
        subjects.shape_of(given) if given is not None else f"`{own.name}`" if own and own.name else "`weight`"
    )
    weight = who if given is not None else phrase(_WEIGHT_IS, name=who, shape=shape_text(sizes))
    shape = subjects.shape_of(loss.input)
    text = fill(_WEIGHT, weight=subjects.sentence(weight), shape=shape, classes=loss.classes)
    return fill(_WEIGHT_TITLE, has=shape_text(sizes), classes=loss.classes), text, None


def _pairs(step: Step, loss: _Loss) -> _Told | None:
    """One prediction against one target."""
    if loss.scores == loss.targets:
        return None
    hint, fix = "", None
    for one, sizes, other in (
        (loss.input, loss.scores, loss.targets),
        (loss.target, loss.targets, loss.scores),
    ):
        at = next((at for at, size in enumerate(sizes) if size == 1 and _without(sizes, at) == other), None)
        if at is not None:
            method = f".squeeze({at})"
            hint = fill(_SQUEEZE, fixed=subjects.with_text(one, method))
            fix = subjects.on_argument(step, loss.call, one, method)
            break
    text = fill(
        _SAME,
        shape=subjects.sentence(subjects.shape_of(loss.input)),
        target=subjects.shape_of(loss.target),
        operation=loss.operation,
        hint=hint,
    )
    fields = {"input": shape_text(loss.scores), "target": shape_text(loss.targets)}
    return fill(_SAME_TITLE, **fields), text, fix


def _without(sizes: Shape, at: int) -> Shape:
    return (*sizes[:at], *sizes[at + 1 :])


@failure
def class_range(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a target is the number of a class for which there is no score, or `one_hot` has no place."""
    hot = _one_hot(step)
    if hot is not None:
        return hot
    loss = _loss(step, _SCORES | {"multi_margin_loss"})
    low, high = (loss.target.low, loss.target.high) if loss is not None else (None, None)
    if loss is None or not loss.scores or not loss.whole or low is None or high is None:
        return None
    count = loss.classes
    skipped = subjects.setting(loss.call, "ignore_index")
    if loss.call.module is None:
        skipped = calls.number(calls.argument(loss.call, "ignore_index"))
    skipped = skipped if type(skipped) is int else _NO_CLASS
    wrong = int(high) if high >= count and high != skipped else int(low)
    if 0 <= wrong < count or wrong == skipped or loss.targets != loss.wanted:
        return None
    hint = fill(_MORE, count=wrong + 1) if wrong >= count else fill(_NEGATIVE, wrong=wrong)
    if low >= 1 and high == count and loss.target.text:
        hint = fill(_FROM_ONE, target=loss.target.text, count=wrong + 1)
    text = fill(
        _RANGE,
        shape=subjects.sentence(subjects.shape_of(loss.input)),
        classes=count,
        last=count - 1,
        target=subjects.sentence(subjects.name_of(loss.target)),
        holds=subjects.holds(loss.target),
        hint=hint,
    )
    title = fill(_RANGE_TITLE, classes=count, wrong=wrong)
    names = subjects.evidence(step, [loss.input, loss.target])
    return Explanation("class-range", "error", title, text, None, names)


def _one_hot(step: Step) -> Explanation | None:
    call = subjects.refused(step)
    if call is None or calls.operation(call) != "one_hot":
        return None
    given, count = subjects.tensor(call, "input"), calls.number(calls.argument(call, "num_classes"))
    if given is None or count is None or given.low is None or given.high is None or count < 1:
        return None
    wrong = int(given.high) if given.high >= count else int(given.low)
    if 0 <= wrong < count:
        return None
    text = fill(
        _HOT,
        target=subjects.sentence(subjects.shape_of(given)),
        low=int(given.low),
        high=int(given.high),
        classes=count,
        last=count - 1,
        count=int(given.high) + 1,
        wrong=wrong,
    )
    title = fill(_HOT_TITLE, classes=count, wrong=wrong)
    return Explanation("class-range", "error", title, text, None, subjects.evidence(step, [given]))
