"""torch's own error inputs, each as a learner's small program."""

from __future__ import annotations

import inspect
import re
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from benchmarks.breadth.source import Argument, UnwritableError, Writer, literal

PRELUDE = "import torch\nfrom torch import nn\nimport torch.nn.functional as F"
#: What learners write for a method with underscores at both ends.
OPERATORS = {
    "__getitem__": "{0}[{1}]",
    "__radd__": "{1} + {0}",
    "__rsub__": "{1} - {0}",
    "__rmul__": "{1} * {0}",
    "__rdiv__": "{1} / {0}",
    "__rmod__": "{1} % {0}",
    "__rpow__": "{1} ** {0}",
    "__rand__": "{1} & {0}",
    "__ror__": "{1} | {0}",
    "__rxor__": "{1} ^ {0}",
    "__rmatmul__": "{1} @ {0}",
}


@dataclass(frozen=True)
class Case:
    """A program whose last line raises, and what is known of the call in it."""

    #: `op mm`, `module Linear`, `optimizer SGD`.
    origin: str
    lines: tuple[str, ...]
    #: The expression that raises, and the name of what is called as a learner writes it.
    call: str
    function: str
    arguments: tuple[Argument, ...]
    #: Why no learner meets this; empty for what counts.
    outside: str = ""

    @property
    def program(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Unwritten:
    """An error input of which no program could be made, and why."""

    origin: str
    why: str


def all_cases(*, methods: bool = False) -> Iterator[Case | Unwritten]:
    """Every error input of torch's operators, modules and optimizers, once for each program; with `methods`,
    operators are called as methods of their first argument, where tensors have such a method."""
    seen: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in (*operator_cases(methods=methods), *module_cases(), *optimizer_cases()):
            if isinstance(case, Case) and case.program in seen:
                continue
            if isinstance(case, Case):
                seen.add(case.program)
            yield case


# ── operators ────────────────────────────────────────────────────────────────


def operator_cases(*, methods: bool) -> Iterator[Case | Unwritten]:
    """Of op_db, and of the references where those have inputs of their own."""
    from torch.testing._internal.common_methods_invocations import op_db, python_ref_db

    own = {op.error_inputs_func for op in op_db}
    for op in (*op_db, *(ref for ref in python_ref_db if ref.error_inputs_func not in own)):
        name = op.name.removeprefix("_refs.")
        for error in _error_inputs(op):
            sample = error.sample_input
            yield _guarded(f"op {name}", lambda n=name, s=sample: _operator_case(n, s, methods))


def _error_inputs(op: Any) -> Iterator[Any]:
    if op.error_inputs_func is not None:
        torch.manual_seed(0)
        # `op.error_inputs` gives the same, after a search of the stack for a test case of unittest's.
        yield from op.error_inputs_func(op, "cpu")
    if getattr(op, "error_inputs_sparse_func", None) is not None:
        for layout in (torch.sparse_coo, torch.sparse_csr):
            if op.supports_sparse_layout(layout):
                torch.manual_seed(0)
                yield from op.error_inputs_sparse("cpu", layout)


def _operator_case(name: str, sample: Any, methods: bool) -> Case:
    writer = Writer()
    values = (sample.input, *sample.args)
    short = name.rpartition(".")[2]
    found = _public(name)
    if found is None and not hasattr(torch.Tensor, short) and hasattr(torch.Tensor, f"{short}_"):
        short = f"{short}_"
    is_method = (found is None or (methods and name == short)) and hasattr(torch.Tensor, short)
    is_method = is_method and (found is None or isinstance(sample.input, torch.Tensor))
    if found is None and not is_method:
        raise UnwritableError(f"torch has no public {name}")
    parameters = _parameters(getattr(torch.Tensor, short) if is_method else found, bound=is_method)
    arguments = [_numbered(writer, v, i, parameters) for i, v in enumerate(values)]
    words = [_worded(writer, v, word) for word, v in sample.kwargs.items()]
    if short in OPERATORS:
        call, function = OPERATORS[short].format(*(each.text for each in arguments)), short
    elif is_method:
        function = short
        if not isinstance(sample.input, torch.Tensor):
            raise UnwritableError(f"{short} is a method of tensors, and this is none")
        is_property = isinstance(
            inspect.getattr_static(torch.Tensor, short), types.GetSetDescriptorType | property
        )
        call = f"{arguments[0].text}.{short}" + ("" if is_property else f"({_listed(arguments[1:], words)})")
    else:
        written = f"torch.{name}"
        function = written.replace("torch.nn.functional.", "F.")
        call = f"{function}({_listed(arguments, words)})"
    given = (*arguments, *words)
    return Case(f"op {name}", (*writer.lines, call), call, function, given, _outside(name, sample.kwargs))


def _outside(name: str, given: Mapping[str, Any]) -> str:
    if given.get("out") is not None:
        return "out="
    if any(part.startswith("_") and not part.endswith("__") for part in name.split(".")):
        return "private"
    return "GPU only" if "jiterator" in name else ""


# ── modules ──────────────────────────────────────────────────────────────────


def module_cases() -> Iterator[Case | Unwritten]:
    """Of module_db: layers that cannot be made, or that refuse their input."""
    from torch.testing._internal.common_modules import ModuleErrorEnum, module_db

    for info in module_db:
        if info.module_error_inputs_func is None:
            continue
        name = info.module_cls.__name__
        torch.manual_seed(0)
        errors = info.module_error_inputs_func(
            info, device="cpu", dtype=torch.float32, requires_grad=False, training=True
        )
        for error in errors:
            forward = error.error_on is ModuleErrorEnum.FORWARD_ERROR
            given = error.module_error_input
            yield _guarded(
                f"module {name}", lambda i=info, g=given, f=forward: _module_case(i.module_cls, g, forward=f)
            )


def _module_case(made: type[nn.Module], given: Any, *, forward: bool) -> Case:
    writer = Writer()
    name = made.__name__
    if getattr(nn, name, None) is not made:
        raise UnwritableError(f"{name} is not in torch.nn")
    settings = _given(writer, given.constructor_input, _parameters(made, bound=True))
    making = f"nn.{name}({_listed(*settings)})"
    if not forward:
        parts = (*settings[0], *settings[1])
        return Case(f"module {name}", (*writer.lines, f"layer = {making}"), making, f"nn.{name}", parts)
    inputs = _given(writer, given.forward_input, _parameters(made.forward, bound=True))
    call = f"layer({_listed(*inputs)})"
    parts = (*inputs[0], *inputs[1], *settings[0], *settings[1])
    return Case(f"module {name}", (*writer.lines, f"layer = {making}", call), call, "layer", parts)


def _given(writer: Writer, given: Any, parameters: Sequence[str]) -> tuple[list[Argument], list[Argument]]:
    numbered = [_numbered(writer, v, i, parameters) for i, v in enumerate(given.args)]
    return numbered, [_worded(writer, v, word) for word, v in given.kwargs.items()]


# ── optimizers ───────────────────────────────────────────────────────────────


def optimizer_cases() -> Iterator[Case | Unwritten]:
    """Of optim_db: optimizers that refuse parameters or settings, or that cannot step."""
    from torch.testing._internal.common_optimizers import OptimizerErrorEnum, optim_db

    for info in optim_db:
        torch.manual_seed(0)
        for error in info.optim_error_inputs_func("cpu", torch.float32):
            stepping = error.error_on is OptimizerErrorEnum.STEP_ERROR
            given = error.optimizer_error_input
            yield _guarded(
                f"optimizer {info.optim_cls.__name__}",
                lambda i=info, g=given, s=stepping: _optimizer_case(i.optim_cls, g, stepping=s),
            )


def _optimizer_case(made: type[Any], given: Any, *, stepping: bool) -> Case:
    writer = Writer()
    name = made.__name__
    params = given.params
    if params is None:  # torch's tests bring their own
        params = [nn.Parameter(torch.ones(2, 3 if name == "Muon" else 1))]
    words = [_worded(writer, v, word) for word, v in given.kwargs.items()]
    lines, text, facts, parts = _params(writer, params)
    making = f"torch.optim.{name}({', '.join([text, *(f'{w.parameter}={w.text}' for w in words)])})"
    arguments = (Argument(text, "params", facts, named=text == "params", parts=parts), *words)
    origin = f"optimizer {name}"
    if not stepping:
        lines = [*lines, f"optimizer = {making}"]
        return Case(origin, tuple(lines), making, f"torch.optim.{name}", arguments)
    given_grads = [each for each in params if isinstance(each, torch.Tensor) and each.grad is not None]
    grads = [f"{writer.tensor(each)}.grad = torch.ones_like({writer.tensor(each)})" for each in given_grads]
    call = "optimizer.step()"
    return Case(origin, (*lines, *grads, f"optimizer = {making}", call), call, "optimizer.step", arguments)


def _params(writer: Writer, params: Any) -> tuple[list[str], str, tuple[str, ...], tuple[Argument, ...]]:
    """Lines that make an optimizer's parameters, what is handed over, and what that is."""
    if isinstance(params, torch.Tensor):
        name = writer.tensor(params)
        return writer.lines, name, ("tensor", "Tensor"), (Argument(name, named=True),)
    if not isinstance(params, list | tuple):
        return [], literal(params), (type(params).__name__,), ()
    parts: list[Argument] = []
    items = [_param_item(writer, each, parts) for each in params]
    lines = [*writer.lines, f"params = [{', '.join(items)}]"]
    facts = (type(params).__name__, *dict.fromkeys(type(each).__name__ for each in params), str(len(items)))
    return lines, "params", facts, tuple(parts)


def _param_item(writer: Writer, item: Any, parts: list[Argument]) -> str:
    """Source of one entry: a tensor, a tensor with its name, or a group."""
    if isinstance(item, torch.Tensor):
        parts.append(writer.argument(item))
        return parts[-1].text
    if isinstance(item, dict):
        inner = [f"{literal(key)}: {_param_item(writer, value, parts)}" for key, value in item.items()]
        return "{" + ", ".join(inner) + "}"
    if isinstance(item, list | tuple):
        inside = ", ".join(_param_item(writer, each, parts) for each in item)
        return f"[{inside}]" if isinstance(item, list) else f"({inside})"
    return literal(item)


# ── calls ────────────────────────────────────────────────────────────────────


def _guarded(origin: str, make: Callable[[], Case]) -> Case | Unwritten:
    try:
        return make()
    except UnwritableError as error:
        return Unwritten(origin, str(error))


def _numbered(writer: Writer, value: Any, place: int, parameters: Sequence[str]) -> Argument:
    return writer.argument(value, parameters[place] if place < len(parameters) else "")


def _worded(writer: Writer, value: Any, word: str) -> Argument:
    return writer.argument(value, word)


def _listed(numbered: Sequence[Argument], worded: Sequence[Argument]) -> str:
    return ", ".join([a.text for a in numbered] + [f"{a.parameter}={a.text}" for a in worded])


def _public(name: str) -> Any:
    found: Any = torch
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _parameters(function: Any, *, bound: bool) -> tuple[str, ...]:
    """Names of a function's parameters by their place, from its signature or its docstring's first line."""
    try:
        names = [
            p.name
            for p in inspect.signature(function).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        if names or inspect.isclass(function):
            return tuple(names[1:] if bound and not inspect.isclass(function) else names)
    except (TypeError, ValueError):
        pass
    found = re.search(r"\w\(([^)]*)\)", (inspect.getdoc(function) or "").replace("\n", " "))
    words = found.group(1).split("*")[0].split(",") if found else []
    names = [re.split("[=:]", word)[0].strip() for word in words if word.strip()]
    return ("self", *names) if bound else tuple(names)
