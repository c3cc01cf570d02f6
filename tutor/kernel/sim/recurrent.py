"""Recurrent layers: torch wants fused kernels for them on a device; here they are what the CPU computes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch._decomp import decompositions as torchs

from tutor.kernel.guard import GENUINE

globals()["__builtins__"] = GENUINE

_F = torch.nn.functional
_aten = torch.ops.aten
_LSTM = 2  # what mkldnn calls it
_MKLDNN_TYPES = frozenset({torch.float32, torch.bfloat16, torch.float16})
#: One step: what the input adds to the gates, the hidden states, and the parameters of one direction.
Cell = Callable[[Any, tuple[Any, ...], Any, bool], tuple[Any, ...]]


def register(library: Any) -> None:
    kernels: dict[str, Callable[..., Any]] = {
        "lstm.input": _lstm,
        "lstm.data": _lstm_packed,
        "lstm_cell": _lstm_cell,
        "gru_cell": _gru_cell,
        "gru.data": partial(_packed, _gru_step),
    }
    steps: dict[str, tuple[Cell, Any]] = {
        "gru": (_gru_step, torchs.gru_cell),
        "rnn_tanh": (partial(_plain_step, torch.tanh), torchs.rnn_cell(torch.tanh)),
        "rnn_relu": (partial(_plain_step, torch.relu), torchs.rnn_cell(torch.relu)),
    }
    for name, (step, cell) in steps.items():
        kernels[f"{name}.data"] = partial(_packed, step)
        kernels[f"{name}.input"] = partial(_padded, partial(torchs.one_layer_rnn, hidden_fn=cell))
    for name, kernel in kernels.items():
        for key in ("AutogradPrivateUse1", "PrivateUse1"):
            library.impl(name, kernel, key)


def _lstm(input: Any, hx: Any, params: Any, has_biases: bool, *rest: Any) -> Any:
    projected = hx[0].size(2) != hx[1].size(2)
    fits = input.dtype in _MKLDNN_TYPES and input.numel() > 0 and not projected
    mkldnn = fits and torch._C._get_mkldnn_enabled()
    layer = partial(_mkldnn_layer, train=rest[2]) if mkldnn else torchs.one_layer_lstm
    grouped = torchs.gather_params(params, has_biases, projected)
    output, last = _layers(layer, input, list(zip(*hx, strict=True)), grouped, has_biases, rest)
    hidden, cells = zip(*last, strict=True)
    return output, torch.stack(hidden, 0), torch.stack(cells, 0)


def _padded(layer: Any, input: Any, hx: Any, params: Any, has_biases: bool, *rest: Any) -> Any:
    grouped = torchs.gather_params(params, has_biases, False)
    output, last = _layers(layer, input, hx.unbind(0), grouped, has_biases, rest)
    return output, torch.stack(last, 0)


def _layers(
    layer: Any, input: Any, states: Any, params: Any, has_biases: bool, rest: Any
) -> tuple[Any, list[Any]]:
    """All layers in all directions; `rest` ends torch's signature, with or without `batch_first`."""
    num_layers, dropout, train, bidirectional, *batch_first = rest
    for group in states:
        _together("hidden", input, group if isinstance(group, tuple) else (group,))
    for group in params:
        _together("parameter", input, group)
    output = input.transpose(0, 1) if any(batch_first) else input
    last = []
    for index in range(num_layers):
        ahead, hidden, back, back_hidden = torchs.params_hiddens(params, states, index, bidirectional)
        outputs, final = layer(output, hidden, ahead, has_biases)
        last.append(final)
        if bidirectional:
            behind, final = layer(output, back_hidden, back, has_biases, reverse=True)
            last.append(final)
            outputs = torch.cat([outputs, behind], outputs.dim() - 1)
        output = outputs
        if dropout and train and index < num_layers - 1:
            output = torch.dropout(output, dropout, train=True)
    return output.transpose(0, 1) if any(batch_first) else output, last


def _together(kind: str, input: Any, tensors: Any) -> None:
    for tensor in tensors:
        if tensor.device != input.device:
            raise RuntimeError(
                f"Input and {kind} tensors are not at the same device, found input tensor at "
                f"{input.device} and {kind} tensor at {tensor.device}"
            )


def _mkldnn_layer(
    input: Any, hidden: Any, params: Any, has_biases: bool, reverse: bool = False, train: bool = False
) -> Any:
    """One layer in one direction, as the CPU does it."""
    biases = params[2:4] if has_biases else [torch.zeros_like(weight[:, 0]) for weight in params[:2]]
    hx, cx = (state.unsqueeze(0).contiguous() for state in hidden)
    options: tuple[Any, ...] = (reverse, [], _LSTM, hx.size(2), 1, has_biases, False, False, train)
    output, last, cell, _ = _aten.mkldnn_rnn_layer.default(
        input.contiguous(), *params[:2], *biases, hx, cx, *options
    )
    return output, (last.squeeze(0), cell.squeeze(0))


def _lstm_packed(data: Any, batch_sizes: Any, hx: Any, params: Any, has_biases: bool, *rest: Any) -> Any:
    grouped = torchs.gather_params(params, has_biases, hx[0].size(2) != hx[1].size(2))
    layer = partial(_packed_layer, _lstm_step, batch_sizes.tolist())
    output, last = _layers(layer, data, list(zip(*hx, strict=True)), grouped, has_biases, rest)
    hidden, cells = zip(*last, strict=True)
    return output, torch.stack(hidden, 0), torch.stack(cells, 0)


def _packed(
    step: Cell, data: Any, batch_sizes: Any, hx: Any, params: Any, has_biases: bool, *rest: Any
) -> Any:
    grouped = torchs.gather_params(params, has_biases, False)
    layer = partial(_packed_layer, step, batch_sizes.tolist())
    states = [(hidden,) for hidden in hx.unbind(0)]
    output, last = _layers(layer, data, states, grouped, has_biases, rest)
    return output, torch.stack([hidden for (hidden,) in last], 0)


def _packed_layer(  # noqa: PLR0913, PLR0917 - one layer of sequences of several lengths
    step: Cell, sizes: list[int], data: Any, first: Any, params: Any, has_biases: bool, reverse: bool = False
) -> Any:
    pieces = _F.linear(data, params[0], params[2] if has_biases else None).split(sizes)
    hidden = tuple(state[: sizes[-1 if reverse else 0]] for state in first)
    outputs, ended = [], []
    for piece in reversed(pieces) if reverse else pieces:
        now, before = len(piece), len(hidden[0])
        if now < before:
            ended.append(tuple(state[now:] for state in hidden))
            hidden = tuple(state[:now] for state in hidden)
        elif now > before:
            more = zip(hidden, first, strict=True)
            hidden = tuple(torch.cat([state, start[before:now]]) for state, start in more)
        hidden = step(piece, hidden, params, has_biases)
        outputs.append(hidden[0])
    if reverse:
        outputs.reverse()
    last = zip(*reversed([*ended, hidden]), strict=True)
    return torch.cat(outputs, 0), tuple(torch.cat(states, 0) for states in last)


def _hidden_gates(hidden: Any, params: Any, has_biases: bool) -> Any:
    return _F.linear(hidden, params[1], params[3] if has_biases else None)


def _lstm_step(gates: Any, hidden: tuple[Any, ...], params: Any, has_biases: bool) -> tuple[Any, ...]:
    after = _lstm_gates(_hidden_gates(hidden[0], params, has_biases) + gates, hidden[1])
    projected = len(params) in {3, 5}
    return (_F.linear(after[0], params[-1]), after[1]) if projected else after


def _gru_step(gates: Any, hidden: tuple[Any, ...], params: Any, has_biases: bool) -> tuple[Any, ...]:
    return (_gru_gates(gates, _hidden_gates(hidden[0], params, has_biases), hidden[0]),)


def _plain_step(
    function: Any, gates: Any, hidden: tuple[Any, ...], params: Any, has_biases: bool
) -> tuple[Any, ...]:
    return (function(_hidden_gates(hidden[0], params, has_biases) + gates),)


def _lstm_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, *biases: Any) -> tuple[Any, Any]:
    b_ih, b_hh = biases or (None, None)
    return _lstm_gates(_F.linear(hx[0], w_hh, b_hh) + _F.linear(input, w_ih, b_ih), hx[1])


def _gru_cell(input: Any, hx: Any, w_ih: Any, w_hh: Any, *biases: Any) -> Any:
    b_ih, b_hh = biases or (None, None)
    return _gru_gates(_F.linear(input, w_ih, b_ih), _F.linear(hx, w_hh, b_hh), hx)


def _lstm_gates(gates: Any, cell: Any) -> tuple[Any, Any]:
    entry, forget, new, out = gates.chunk(4, 1)
    after = forget.sigmoid() * cell + entry.sigmoid() * new.tanh()
    return out.sigmoid() * after.tanh(), after


def _gru_gates(of_input: Any, of_hidden: Any, hidden: Any) -> Any:
    mine, theirs = of_input.chunk(3, 1), of_hidden.chunk(3, 1)
    reset, update = (theirs[0] + mine[0]).sigmoid(), (theirs[1] + mine[1]).sigmoid()
    new = (mine[2] + theirs[2] * reset).tanh()
    return (hidden - new) * update + new
