"""What the children of the tests run: the same on the CPU and on the device, compared to the last bit."""

from __future__ import annotations

import copy
import io
import math
import pickle
import random
import types
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils import _pytree as pytree
from torch.utils.checkpoint import checkpoint


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2 * x * gradient


def run_case(case: str, device: str) -> list[Any]:
    """What one line of `cases.txt`, or a program, says of itself on a device."""
    told: list[Any] = []

    def same(*values):
        told.extend(x.detach().cpu().clone() if isinstance(x, torch.Tensor) else x for x in values)

    def raises(call):
        try:
            call()
            told.append(None)
        except Exception as error:  # whatever torch says here
            told.append((type(error).__name__, str(error)))

    space = {"torch": torch, "nn": nn, "F": functional, "np": np, "io": io, "copy": copy, "pickle": pickle}
    space |= {"checkpoint": checkpoint, "Sq": Square, "D": device}
    space |= {"math": math, "random": random, "out": lambda *values: told.extend(detached(values))}
    space |= {"same": same, "raises": raises, "note": lambda *values: told.extend(values)}
    torch.manual_seed(0)
    try:
        exec(case, space)
    except Exception as error:  # the case is wrong, or the device is
        told.append(("broke", type(error).__name__, str(error)[:300]))
    return told


def detached(values: Any) -> list[Any]:
    return pytree.tree_map(
        lambda value: value.detach().cpu().clone() if isinstance(value, torch.Tensor) else value, list(values)
    )


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        same = one.shape == other.shape and one.dtype == other.dtype
        return same and torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and one == other


def differing(cases: list[str]) -> dict[str, str]:
    """The cases that differ, or that broke, with what came of them."""
    found = {}
    for case in cases:
        here, there = run_case(case, "cpu"), run_case(case, "sim")
        broke = [told for told in (*here, *there) if isinstance(told, tuple) and told[:1] == ("broke",)]
        if broke or len(here) != len(there) or not all(map(equal, here, there)):
            found[case] = str(broke or [pair for pair in zip(here, there, strict=False) if not equal(*pair)])
    return found


def leaves(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, (list, tuple)) else []


def layer_differs(make: Any, *inputs: torch.Tensor) -> str | None:
    """What of a layer's results, gradients or buffers differs on the device."""
    torch.manual_seed(0)
    host = make()
    ours = copy.deepcopy(host).to("sim")
    told = []
    for layer, device in ((host, "cpu"), (ours, "sim")):
        given = [one.to(device, copy=True).requires_grad_(one.is_floating_point()) for one in inputs]
        torch.manual_seed(1)
        outputs = [one for one in leaves(layer(*given)) if one.is_floating_point()]
        if any(one.device.type != device for one in outputs):
            return "an output on another device"
        sum((one * one).sum() for one in outputs).backward()
        values = {f"output {i}": one for i, one in enumerate(outputs)}
        values |= {f"input {i}": one.grad for i, one in enumerate(given)}
        values |= {name: parameter.grad for name, parameter in layer.named_parameters()}
        values |= dict(layer.named_buffers())
        told.append({name: None if one is None else one.detach().cpu() for name, one in values.items()})
    return next((name for name, one in told[0].items() if not equal(one, told[1][name])), None)


def training_differs(name: str, options: dict[str, Any]) -> bool:
    """Whether 20 steps with an optimizer end in other numbers on the device, which the model joins late."""
    torch.manual_seed(0)
    host = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 3))
    ours = copy.deepcopy(host)
    x, y = torch.randn(32, 8), torch.randint(3, (32,))
    losses = []
    for model, device in ((host, "cpu"), (ours, "sim")):
        optimizer = getattr(torch.optim, name)(model.parameters(), lr=0.01, **options)
        before = [id(parameter) for parameter in model.parameters()]
        model.to(device)
        assert before == [id(parameter) for parameter in model.parameters()]
        torch.manual_seed(2)
        for _ in range(20):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x.to(device)), y.to(device))
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    pairs = zip(host.parameters(), ours.parameters(), strict=True)
    return losses[0] != losses[1] or not all(torch.equal(one, other.cpu()) for one, other in pairs)


class Attending(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.inner = nn.MultiheadAttention(4, 2, **options)

    def forward(self, x):
        return self.inner(x, x, x)


class Packed(nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.inner = getattr(nn, kind)(4, 3, batch_first=True, **options)

    def forward(self, x):
        packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 3]), batch_first=True)
        return nn.utils.rnn.pad_packed_sequence(self.inner(packed)[0], batch_first=True)[0]


def layer_cases() -> dict[str, tuple[Any, ...]]:
    r = torch.randn
    image, sequence, rows = r(2, 4, 8, 8), r(5, 2, 4), r(5, 4)
    classes = torch.randint(4, (5,))
    given: dict[str, tuple[Any, ...]] = {
        "nn.Linear(4, 3)": (rows,),
        "nn.Bilinear(4, 4, 2)": (rows, rows + 1),
        "nn.Conv1d(4, 3, 3)": (r(2, 4, 9),),
        "nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2)": (image,),
        "nn.Conv2d(4, 6, 3, padding='same', padding_mode='reflect')": (image,),
        "nn.Conv3d(1, 2, 3)": (r(2, 1, 5, 5, 5),),
        "nn.ConvTranspose2d(4, 3, 3, stride=2, output_padding=1)": (image,),
        "nn.BatchNorm1d(4)": (rows,),
        "nn.BatchNorm2d(4)": (image,),
        "nn.BatchNorm2d(4).eval()": (image,),
        "nn.LayerNorm(4)": (rows,),
        "nn.GroupNorm(2, 4)": (image,),
        "nn.Dropout(0.3)": (rows,),
        "nn.Dropout2d()": (image,),
        "nn.MaxPool2d(2)": (image,),
        "nn.AvgPool2d(2)": (image,),
        "nn.AdaptiveAvgPool2d(2)": (image,),
        "nn.Upsample(scale_factor=2, mode='bilinear')": (image,),
        "nn.GELU()": (rows,),
        "nn.Mish()": (rows,),
        "nn.Softmax(1)": (rows,),
        "nn.Embedding(10, 4, padding_idx=0)": (torch.tensor([[1, 2, 0], [3, 4, 1]]),),
        "nn.EmbeddingBag(10, 4)": (torch.tensor([[1, 2, 0], [3, 4, 1]]),),
        "nn.CrossEntropyLoss(weight=torch.rand(4), label_smoothing=0.1)": (rows, classes),
        "nn.NLLLoss()": (rows, classes),
        "nn.MSELoss()": (rows, rows + 1),
        "nn.BCEWithLogitsLoss()": (rows, torch.rand(5, 4)),
        "nn.SmoothL1Loss()": (rows, rows + 1),
        "nn.KLDivLoss(reduction='batchmean')": (rows, torch.rand(5, 4)),
        "nn.LSTM(4, 6, proj_size=3)": (sequence,),
        "nn.TransformerEncoderLayer(4, 2, 8)": (sequence,),
        "nn.TransformerEncoderLayer(4, 2, 8, batch_first=True).eval()": (sequence,),
        "nn.TransformerDecoderLayer(4, 2, 8)": (sequence, r(3, 2, 4)),
        "nn.Transformer(4, 2, 1, 1, 8)": (sequence, r(3, 2, 4)),
        "Attending()": (sequence,),
        "Attending(batch_first=True, dropout=0.3)": (sequence,),
    }
    for kind in ("LSTM", "GRU", "RNN"):
        given[f"nn.{kind}(4, 3)"] = (sequence,)
        given[f"nn.{kind}(4, 3, num_layers=2, dropout=0.5)"] = (sequence,)
        given[f"nn.{kind}(4, 3, bidirectional=True, batch_first=True, bias=False)"] = (sequence,)
        given[f"nn.{kind}(4, 3).double()"] = (sequence.double(),)
        given[f"nn.{kind}Cell(4, 3)"] = (rows,)
        given[f"Packed('{kind}', bidirectional=True)"] = (r(2, 5, 4),)
    return given


def layers_that_differ() -> dict[str, str]:
    found = {}
    for code, inputs in layer_cases().items():
        namespace = types.SimpleNamespace(nn=nn, torch=torch, Attending=Attending, Packed=Packed)
        name = layer_differs(lambda code=code, space=namespace: eval(code, vars(space)), *inputs)
        if name is not None:
            found[code] = name
    return found
