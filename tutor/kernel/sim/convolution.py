"""Convolution: torch asks a device for kernels of its own; here they are those the CPU would choose."""

from __future__ import annotations

from typing import Any

import torch

from tutor.kernel.guard import GENUINE
from tutor.kernel.sim import dispatch

globals()["__builtins__"] = GENUINE

_forward = torch.ops.aten.convolution.default
_backward = torch.ops.aten.convolution_backward.default


def register(library: Any) -> None:
    library.impl("convolution_overrideable", _convolution, "PrivateUse1")
    library.impl("convolution_backward_overrideable", _convolution_backward, "PrivateUse1")


def _convolution(*args: Any) -> Any:
    return dispatch.run(_forward, *args)


def _convolution_backward(  # noqa: PLR0913, PLR0917 - torch's own signature
    gradient: Any, input: Any, weight: Any, stride: Any, padding: Any, dilation: Any, transposed: Any,
    output_padding: Any, groups: Any, output_mask: Any,
) -> Any:  # fmt: skip
    channels = weight.size(1) * groups if transposed else weight.size(0)
    geometry = (stride, padding, dilation, transposed, output_padding, groups, output_mask)
    return dispatch.run(_backward, gradient, input, weight, [channels], *geometry)
