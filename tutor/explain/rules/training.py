"""Training steps: closures, schedules of the learning rate, and the state of optimizers."""

from __future__ import annotations

import ast
import re

from tutor.explain import calls
from tutor.explain.elsewhere import call_of, changed, last_set, source_of
from tutor.explain.engine import failure
from tutor.explain.past import Past
from tutor.explain.reading import Failing, failing
from tutor.explain.wording import code_list, fill, phrase
from tutor.facts import Argument, Explanation, FailedCall, Snapshot, Step

_IS_HERE = "`{name}` is {told} here."
_OPTIM = "torch.optim."
_SCHEDULER = "torch.optim.lr_scheduler."
_OPTIMIZERS = (
    "SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop",
    "LBFGS", "SparseAdam", "Adafactor", "Muon",
)  # fmt: skip

# ── step-closure ─────────────────────────────────────────────────────────────

_NEEDS_CLOSURE, _NEEDS_MEASURE = "needs a closure", "needs the measure that it watches"
_NOT_GIVEN = "is not given a function"
_NO_FUNCTION = "`{given}` is {what}, and no function."
_CLOSURE_TITLE = "`{code}` {problem}"
_LBFGS = """
LBFGS looks at the loss several times in one step, so that it must be given a function that computes it
anew: `def closure():` with `optimizer.zero_grad()`, `loss = ...`, `loss.backward()` and `return loss`, then
`{name}.step(closure)`. {given}
"""
_NO_LOSS = """
`step` takes no loss: it reads the gradients that `loss.backward()` has left in the parameters. `{given}` is
{what}, where only a function could stand. Call `loss.backward()` first, and `{name}.step()` without it.
"""
_METRIC = """
ReduceLROnPlateau lowers the learning rate once a measure has stopped getting better, so that each `step`
must be given that measure: `{name}.step(validation_loss)`.
"""


@failure
def step_closure(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a step lacks the closure or measure that it needs, or is given a loss."""
    error, found = step.error, failing(step)
    node = call_of(found)
    if error is None or node is None or error.type != "TypeError" or not isinstance(node.func, ast.Attribute):
        return None
    name, code = ast.unparse(node.func.value), ast.unparse(node)
    lacking = re.match(r"(\w+)\.step\(\) missing 1 required positional argument: '(\w+)'", error.message)
    if lacking is not None and lacking[2] in ("closure", "metrics"):
        text = fill(_LBFGS if lacking[2] == "closure" else _METRIC, name=name, given="")
        problem = _NEEDS_CLOSURE if lacking[2] == "closure" else _NEEDS_MEASURE
        title = fill(_CLOSURE_TITLE, code=code, problem=problem)
        return Explanation("step-closure", "error", title, text)
    call = calls.failed(step)
    if call is None or not call.name.startswith(_OPTIM) or not call.name.endswith(".step"):
        return None
    closure = calls.argument(call, "closure")
    if closure is None or closure.kind in ("function", "none", "object", "class") or not closure.text:
        return None
    fields = {"name": name, "given": closure.text, "what": calls.what(closure)}
    if "LBFGS" in call.name:
        fields["given"] = phrase(_NO_FUNCTION, given=closure.text, what=calls.what(closure))
        text = fill(_LBFGS, **fields)
    else:
        text = fill(_NO_LOSS, **fields)
    title = fill(_CLOSURE_TITLE, code=code, problem=_NOT_GIVEN)
    return Explanation("step-closure", "error", title, text)


# ── optimizer-state ──────────────────────────────────────────────────────────

_THE_STATE, _HAS_KEYS = "the state", "; it has {keys}"
_CALL_IT = "Call it: `{given}()`."
_STATE_TITLE = "`{given}` is no state of this optimizer"
_STATE = "`{code}` is to take over the state of an optimizer, and {problem} {repair}"
_GROUPS = "the saved one had another number of parameter groups."
_SIZES = "a group of the saved one had another number of parameters."
_SAME = "Make this optimizer with the same parameters, in the same groups, as the one that was saved."
_KEYS = "`{given}` has not the keys `state` and `param_groups` that an optimizer's state dict has{has}."
_FROM = """
Save `optimizer.state_dict()` beside the model's, under a key of its own, and load each into its own.
"""
_OBJECT = "`{given}` is {what}, not a dictionary."
_ASK = "Ask it for its state: `{given}.state_dict()`."


@failure
def optimizer_state(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an optimizer is to load a state that is of another one, or of something else."""
    error, call, found = step.error, calls.failed(step), failing(step)
    if error is None or call is None or not call.name.startswith(_OPTIM) or _SCHEDULER in call.name:
        return None
    if not call.name.endswith(".load_state_dict") or not call.arguments:
        return None
    argument = call.arguments[0]
    given, fix = argument.text or phrase(_THE_STATE), None
    if "different number of parameter groups" in error.message:
        problem, repair = _GROUPS, fill(_SAME)
    elif "doesn't match the size" in error.message:
        problem, repair = _SIZES, fill(_SAME)
    elif argument.kind == "dict":
        has = phrase(_HAS_KEYS, keys=code_list(argument.keys, most=4)) if argument.keys else ""
        problem, repair = fill(_KEYS, given=given, has=has), fill(_FROM)
    elif argument.type in _OPTIMIZERS or argument.kind == "function":
        problem = fill(_OBJECT, given=given, what=calls.what(argument))
        method = argument.kind == "function"
        repair = fill(_CALL_IT if method else _ASK, given=given)
        code = f"{given}()" if method else f"{given}.state_dict()"
        node = calls.node_of(found, call, argument) if found is not None and argument.text else None
        fix = changed(found, node, code)
    else:
        return None
    text = fill(_STATE, code=call.expression, problem=problem, repair=repair)
    return Explanation("optimizer-state", "error", fill(_STATE_TITLE, given=given), text, fix)


# ── scheduler-optimizer, scheduler-setting ───────────────────────────────────

_NO_OPTIMIZER_TITLE = "{scheduler} schedules an optimizer, and `{given}` is {what}"
_NO_OPTIMIZER = """
`{code}` gives `{given}`, {what}: a scheduler changes the learning rate of an optimizer, so that its first
argument must be that optimizer. {have}
"""
_NO_STEPS, _WITHOUT_MOMENTUM = "no number of steps", "an optimizer without momentum"
_HAVE = "Make an optimizer of its parameters first."
_AS = "`{value}` as {name}"
_SETTING_TITLE = "{scheduler} cannot take {setting}"
_SETTING = "{given} {meaning} {must}"
_SETTINGS = {
    "mode": ("`mode` says what is better,", 'and must be "min" (smaller, as a loss) or "max" (greater).'),
    "threshold_mode": ("`threshold_mode` says how changes are measured,", 'and must be "rel" or "abs".'),
    "factor": ("`factor` is what the learning rate is multiplied with,", "and must be less than 1."),
    "lr_lambda": (
        "`lr_lambda` says what the learning rate is multiplied with in each epoch:",
        "it must be a function of the epoch, such as `lambda epoch: 0.95 ** epoch`, or one for each group.",
    ),
    "milestones": (
        "`milestones` are the epochs after which the learning rate falls:",
        "it must be a list, such as `[30, 80]`.",
    ),
    "last_epoch": (
        "`last_epoch` other than -1 goes on with a schedule that was begun: leave it away to begin anew;",
        "otherwise the optimizer must have an `initial_lr` in its groups, as one whose state was loaded has.",
    ),
    "step_size": (
        "`step_size` is after how many epochs the learning rate falls,",
        "and must be a whole number, 1 or greater.",
    ),
}  # fmt: skip
_TOTAL = """
`{code}` does not say how long the cycle is: give `total_steps`, or both `epochs` and `steps_per_epoch`
(`len(loader)`).
"""
_MOMENTUM = """
`{code}` would also cycle the momentum, and this optimizer has none: give `cycle_momentum=False`, or take
SGD with `momentum=0.9`.
"""


@failure
def scheduler_setting(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a learning rate schedule is made for no optimizer, or with settings it cannot take."""
    error, call, found = step.error, calls.failed(step), failing(step)
    if error is None or call is None or call.form != "class" or not call.name.startswith(_SCHEDULER):
        return None
    scheduler, code = call.name.removeprefix(_SCHEDULER), call.expression
    optimizer = calls.argument(call, "optimizer")
    if "is not an Optimizer" in error.message and optimizer is not None:
        return _no_optimizer(call, optimizer, scheduler)
    if "You must define either total_steps" in error.message:
        title = fill(_SETTING_TITLE, scheduler=scheduler, setting=_NO_STEPS)
        return Explanation("scheduler-setting", "error", title, fill(_TOTAL, code=code))
    if "cycle_momentum" in error.message:
        title = fill(_SETTING_TITLE, scheduler=scheduler, setting=_WITHOUT_MOMENTUM)
        return Explanation("scheduler-setting", "error", title, fill(_MOMENTUM, code=code))
    for argument in call.arguments:
        if argument.parameter in _SETTINGS and _is_wrong(argument, error.message):
            return _wrong(scheduler, argument, found, call)
    return None


def _no_optimizer(call: FailedCall, optimizer: Argument, scheduler: str) -> Explanation:
    what = calls.what(optimizer)
    fields = {"scheduler": scheduler, "given": optimizer.text or "it", "what": what}
    have = _HAVE if optimizer.kind == "module" else ""
    text = fill(_NO_OPTIMIZER, code=call.expression, have=have, **fields)
    return Explanation("scheduler-setting", "error", fill(_NO_OPTIMIZER_TITLE, **fields), text)


def _is_wrong(argument: Argument, message: str) -> bool:
    name, value = argument.parameter, argument.value or ""
    if name == "mode":
        return value not in ('"min"', '"max"') and "mode" in message
    if name == "threshold_mode":
        return value not in ('"rel"', '"abs"') and "threshold mode" in message
    if name == "factor":
        return "Factor" in message
    if name == "lr_lambda":
        return argument.kind not in ("function", "list", "tuple", "object") or "lr_lambdas" in message
    if name == "milestones":
        return argument.kind not in ("list", "tuple") and "iterable" in message
    if name == "last_epoch":
        return "initial_lr" in message
    number = calls.number(argument)
    return argument.type != "" and (number is None or number < 1)


def _wrong(scheduler: str, argument: Argument, found: Failing | None, call: FailedCall) -> Explanation:
    name = argument.parameter
    meaning, must = _SETTINGS[name]
    told = calls.said(argument)
    bare = told == calls.label(argument)
    given = fill(_IS_HERE, name=name, told=told) if bare else f"{told}."
    fix = None
    if name == "milestones" and argument.kind == "number" and found is not None and argument.text:
        fix = changed(found, calls.node_of(found, call, argument), f"[{argument.text}]")
    shown = phrase(_AS, value=argument.text or argument.value, name=name)
    title = fill(_SETTING_TITLE, scheduler=scheduler, setting=shown)
    text = fill(_SETTING, given=given, meaning=meaning, must=must)
    return Explanation("scheduler-setting", "error", title, text, fix)


# ── scheduler-ended ──────────────────────────────────────────────────────────

_MADE_BY = ", by `{code}` ({at})"
_ENDED_TITLE = "The schedule is over: it was made for {total} steps"
_ENDED = """
`{code}` is step {asked} of a schedule that was made for {total}{where}. `total_steps` must count every call
of `step`: of batches that is `epochs * len(loader)`, where the call stands in the loop over batches, and of
epochs alone `epochs`.
"""


@failure
def scheduler_ended(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when a schedule of fixed length is stepped more often than it was made for."""
    error, call, found = step.error, calls.failed(step), failing(step)
    if error is None or call is None or not call.name.startswith(_SCHEDULER) or found is None:
        return None
    told = re.search(r"Tried to step (\d+) times.*total steps is (\d+)", error.message)
    node = call_of(found)
    if told is None or node is None:
        return None
    name = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    binding = last_set(step, past, found, name) if name else None
    where = ""
    if binding is not None:
        where = phrase(_MADE_BY, code=_short(source_of(binding)), at=binding.at)
    text = fill(_ENDED, code=call.expression, asked=told[1], total=told[2], where=where)
    return Explanation("scheduler-ended", "error", fill(_ENDED_TITLE, total=told[2]), text)


def _short(code: str) -> str:
    return code if len(code) <= 80 else f"{code[:79]}…"


# ── optimizer-attribute ──────────────────────────────────────────────────────

_LOSS_TITLE = "{type} has no `backward`: that is the loss's"
_HAS_TITLE = "{type} has no `{name}` of its own: it keeps settings in groups"
_HAS = """
`{owner}` is an optimizer, and its settings stand in its groups of parameters: `{owner}.param_groups` is a
list of dictionaries, with one group unless you made more. {repair}
"""
_READ = 'Read it with `{owner}.param_groups[0]["{name}"]`.'
_WRITE = 'Set it in all of them: `for group in {owner}.param_groups: group["{name}"] = {value}`.'
_LOSS = "`backward` belongs to the loss: `loss.backward()`, then `{owner}.step()`."
_KNOWN = ("lr", "momentum", "weight_decay", "betas", "eps", "params", "learning_rate")


@failure
def optimizer_attribute(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an optimizer is asked for a setting, or for backward, as if it were its attribute or key."""
    error, found = step.error, failing(step)
    if error is None or found is None:
        return None
    missing, node = error.missing, found.expression
    in_group = _in_group(step, past, found)
    if in_group is not None:
        return in_group
    if missing is not None and missing.type in _OPTIMIZERS and missing.kind == "attribute":
        owner, name, kind = missing.owner, missing.name, missing.type
        if name == "backward":
            title = fill(_LOSS_TITLE, type=kind)
            return Explanation("optimizer-attribute", "error", title, fill(_LOSS, owner=owner))
    else:
        told = re.match(
            r"'(\w+)' object (?:is not subscriptable|does not support item assignment)", error.message
        )
        if told is None or told[1] not in _OPTIMIZERS or not isinstance(node, ast.Subscript):
            return None
        if not isinstance(node.slice, ast.Constant) or not isinstance(node.slice.value, str):
            return None
        owner, name, kind = ast.unparse(node.value), node.slice.value, told[1]
    if name not in _KNOWN:
        return None
    name = "lr" if name == "learning_rate" else name
    statement = found.statement
    sets = isinstance(statement, ast.Assign) and isinstance(node, ast.Subscript) and node in statement.targets
    value = ast.unparse(statement.value) if isinstance(statement, ast.Assign) and sets else ""
    fix = None
    if not sets and isinstance(node, ast.Attribute | ast.Subscript):
        fix = changed(found, node, f'{owner}.param_groups[0]["{name}"]')
    repair = fill(_WRITE if sets else _READ, owner=owner, name=name, value=value)
    text = fill(_HAS, owner=owner, repair=repair)
    return Explanation("optimizer-attribute", "error", fill(_HAS_TITLE, type=kind, name=name), text, fix)


_BY_NAME, _FOR_ATTRIBUTE = "the list by a name", "a dictionary for an attribute"
_GROUP_TITLE = "`param_groups` is a list of dictionaries"
_GROUP = """
`{code}` asks {what}. An optimizer's `param_groups` is a list, with one dictionary for each group of
parameters: the setting is `{better}`.
"""


def _in_group(step: Step, past: Past, found: Failing) -> Explanation | None:
    """What to say where the list of groups is asked by name, or a group by an attribute."""
    message = step.error.message if step.error is not None else ""
    for node in ast.walk(found.statement):
        if isinstance(node, ast.Subscript) and "list indices must be integers" in message:
            if not ast.unparse(node.value).endswith(".param_groups"):
                continue
            what, better = _BY_NAME, f"{ast.unparse(node.value)}[0][{ast.unparse(node.slice)}]"
        elif isinstance(node, ast.Attribute) and f"'dict' object has no attribute '{node.attr}'" in message:
            binding = last_set(step, past, found, ast.unparse(node.value))
            if binding is None or not ast.unparse(binding.value).endswith(".param_groups"):
                continue
            what, better = _FOR_ATTRIBUTE, f'{ast.unparse(node.value)}["{node.attr}"]'
        else:
            continue
        text = fill(_GROUP, code=ast.unparse(node), what=what, better=better)
        return Explanation("optimizer-attribute", "error", _GROUP_TITLE, text, changed(found, node, better))
    return None


# ── sparse-gradients ─────────────────────────────────────────────────────────

_SPARSE_KIND, _DENSE = "sparse", "dense"
_SPARSE_TITLE = "{optimizer} cannot use {kind} gradients"
_SPARSE = """
`{code}` found a {kind} gradient, and {optimizer} works only with {other} ones. {why}
"""
_NO_SPARSE = """
`nn.Embedding(..., sparse=True)` makes sparse gradients: leave `sparse=True` away, which is right for most
models, or use SparseAdam or SGD for that layer's weight.
"""
_NO_DENSE = """
SparseAdam is for the weights of layers made with `sparse=True` alone: take Adam for the others, or make the
embedding with `sparse=True`.
"""


@failure
def sparse_gradients(step: Step, before: Snapshot, past: Past) -> Explanation | None:
    """Holds when an optimizer's step met sparse gradients that it cannot use, or dense ones."""
    call = calls.failed(step)
    error = step.error
    if call is None or error is None or not call.name.startswith(_OPTIM) or not call.name.endswith(".step"):
        return None
    kind = next((one for one in ("sparse", "dense") if f"not support {one} gradients" in error.message), None)
    if kind is None:
        return None
    fields = {
        "optimizer": call.name.removeprefix(_OPTIM).partition(".")[0],
        "kind": phrase(kind),
        "other": phrase(_DENSE if kind == _SPARSE_KIND else _SPARSE_KIND),
    }
    why = fill(_NO_SPARSE if kind == "sparse" else _NO_DENSE)
    text = fill(_SPARSE, code=call.expression, why=why, **fields)
    return Explanation("sparse-gradients", "error", fill(_SPARSE_TITLE, **fields), text)
