"""Random programs of about sixty statements: making, viewing, writing and differentiating a few tensors."""

from __future__ import annotations

import re

from hypothesis import strategies as st

TENSORS = ("a", "b", "c", "d", "e")

MADE = (
    "torch.arange(6.0)", "torch.arange(12.0).view(3, 4)", "torch.ones(3, 4, requires_grad=True)",
    "torch.zeros(2, 3, 2)", "torch.tensor(2.5, requires_grad=True)",
    "torch.randn(4, 3, dtype=torch.float64)", "torch.arange(4)", "torch.empty(0, 3)",
    "torch.zeros(3, 4, device='meta')", "torch.tensor([True, False])",
    "torch.nn.Parameter(torch.full((3,), 0.5))", "torch.ones(3, dtype=torch.complex64)",
    "torch.eye(3).to_sparse()", "torch.zeros(5).expand(4, 5)",
)  # fmt: skip
VIEWED = (
    "{0}", "{0}[1:]", "{0}[..., ::2]", "{0}[0]", "{0}[:0]", "{0}[[0]]", "{0}[{0} > 0]", "{0}.t()", "{0}.mT",
    "{0}.view(-1)", "{0}.reshape(-1)", "{0}.reshape(2, -1)", "{0}.flatten()", "{0}.unsqueeze(0)",
    "{0}.squeeze()", "{0}.expand(2, *{0}.shape)", "{0}.diagonal()", "{0}.detach()", "{0}.data", "{0}.real",
    "{0}.contiguous()", "{0}.clone()", "{0}.to(torch.float64)", "{0}.float()", "{0}.narrow(0, 0, 1)",
    "{0}.unbind()[-1]", "{0}.chunk(2)[-1]", "{0}.view(torch.int32)", "{0}.as_strided((2, 2), (1, 1))",
    "{0}.transpose(0, -1)", "{0}.movedim(0, -1)", "torch.view_as_real({0})", "{0}.grad", "{0}.to('meta')",
    "torch.from_numpy(p)", "torch.as_tensor(q)", "torch.tensor(p)", "{0}.unfold(0, 2, 1)",
    "{0}.split(1)[0]", "torch.empty_like({0}) * 0",
)  # fmt: skip
COMPUTED = (
    "{0} * {1}", "{0} + {1}", "{0} @ {1}", "{0}.sum()", "{0}.exp()", "{0}.relu()", "{0}.pow(2).mean()",
    "-{0}", "torch.cat([{0}, {1}])", "torch.stack([{0}, {0}])", "{0}.softmax(-1)",
    "torch.where({0} > 0, {0}, {1})", "{0}.max()", "{0}.cumsum(0)", "{0} / 2", "({0} - {1}).abs()",
    "torch.nn.functional.mse_loss({0}, {1})", "{0}.prod() * {1}.norm()", "{0}.sort()[0]",
    "torch.utils.checkpoint.checkpoint(torch.sin, {0}, use_reentrant=False)",
)  # fmt: skip
WRITTEN = (
    "{0} += 1", "{0} *= {1}", "{0}.mul_(2)", "{0}.zero_()", "{0}[0] = 5", "{0}[..., 0] = {1}", "{0}.t_()",
    "{0}.unsqueeze_(0)", "{0}.squeeze_()", "{0}.resize_(7).zero_()", "{0}.set_({1})", "{0}.copy_({1})",
    "{0}.data = {1}.data", "{0}.data.add_(1)", "{0}.requires_grad_()", "{0}.requires_grad_(False)",
    "{0}.detach_()", "{0}.relu_()", "with torch.no_grad(): {0}.add_(1)",
    "with torch.no_grad(): {0} = {1} * 2", "with torch.inference_mode(): {0} = {1} + 1",
    "{0}.numpy()[...] = 3", "p[1:] = 4", "q += 1", "{0}.untyped_storage().resize_(256).fill_(0)",
    "{0}.as_strided_((2,), (1,))", "{0}.swapaxes_(0, 1)",
)  # fmt: skip
DIFFERENTIATED = (
    "{0}.backward()", "{0}.sum().backward()", "{0}.sum().backward(retain_graph=True)", "{0}.retain_grad()",
    "{0}.backward(torch.ones_like({0}))", "{0}.grad = None", "{0}.grad.zero_()",
    "{0}.grad = torch.ones_like({0})", "{0}.register_hook(lambda g: g * 2)",
    "torch.autograd.grad({0}.sum(), {1}, allow_unused=True)",
    "{0} = torch.autograd.grad({0}.sum(), {1}, create_graph=True)[0]",
)  # fmt: skip
NAMED = (
    "{0} = {1}", "{0}, {1} = {1}, {0}", "del {0}", "{0} = None", "{0} = [{1}]", "global_{0} = {1}",
    "{0} = {1}, 3",
)  # fmt: skip
NUMPY = (
    "p = np.arange(6.0)", "q = p[2:]", "q = p[::-1]", "p = q.copy()", "q = {0}.numpy()",
    "p = {0}.detach().numpy().T", "q = np.ones((2, 3), dtype=np.float32)", "p = q.reshape(-1)", "q = q[:0]",
)  # fmt: skip
# No values: those of `empty` are whatever was there.
ASKED = (
    "print({0}.shape, {0}.stride())", "print({0}.dtype, {0} is {1})",
    "print({0}._version, {0}.requires_grad)",
)  # fmt: skip

_SHARED_WITH_ARRAYS = re.compile(r"\.numpy\(\)|from_numpy|as_tensor")
_RESIZED = re.compile(r"\.resize_\(")

PREAMBLE = """\
import numpy as np
import torch
torch.manual_seed(0) and None
a = torch.arange(6.0)
b = a.view(2, 3)
c = torch.ones(2, 3, requires_grad=True)
d = c * b
e = d.sum()
p = np.arange(4.0)
q = p[1:]
"""


def _statements() -> st.SearchStrategy[str]:
    made = st.sampled_from([f"{{0}} = {text}" for text in MADE])
    viewed = st.sampled_from([f"{{1}} = {text}" for text in VIEWED])
    computed = st.sampled_from([f"{{2}} = {text}" for text in COMPUTED])
    others = map(st.sampled_from, (WRITTEN, WRITTEN, DIFFERENTIATED, NAMED, NUMPY, ASKED))
    kinds = (made, viewed, viewed, computed, *others)
    names = st.sampled_from(TENSORS)
    return st.builds(lambda text, *which: text.format(*which), st.one_of(*kinds), names, names, names)


def _guarded(statement: str) -> str:
    """Most statements are wrong for what the names hold by then; the program goes on."""
    return f"try: {statement}\nexcept Exception as problem: print(type(problem).__name__)\n"


def _program(statements: list[str], ending: str, resized: bool) -> str:
    # Torch gives memory away that an array is on: after both, plain Python ends in `free(): invalid size`.
    unsafe = _SHARED_WITH_ARRAYS if resized else _RESIZED
    statements = [statement for statement in statements if not unsafe.search(statement)]
    lines = [_guarded(s) if not s.startswith("with") else _guarded_block(s) for s in statements]
    return PREAMBLE + "".join(lines) + ending + "\n"


def _guarded_block(statement: str) -> str:
    return f"try:\n    {statement}\nexcept Exception as problem: print(type(problem).__name__)\n"


programs = st.builds(
    _program,
    st.lists(_statements(), min_size=40, max_size=70),
    _statements().filter(lambda statement: not _RESIZED.search(statement)),
    st.booleans(),
)
