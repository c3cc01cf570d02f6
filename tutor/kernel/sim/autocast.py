"""Mixed precision: which operations change the type of their arguments inside of `torch.autocast("sim")`.

The same operations as on CUDA; torch keeps its list of them out of Python's reach.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from tutor.kernel.guard import GENUINE
from tutor.kernel.sim.names import NAME

globals()["__builtins__"] = GENUINE

_LOW = """
    conv1d conv2d conv3d conv1d.padding conv2d.padding conv3d.padding conv_tbc conv_transpose1d
    conv_transpose2d.input conv_transpose3d.input convolution prelu addmm addmv addr matmul einsum mm mv
    linalg_vecdot linalg_multi_dot linear addbmm baddbmm bmm chain_matmul scaled_dot_product_attention
    lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell
"""
_FULL = """
    acos asin cosh erfinv exp expm1 log log10 log2 log1p reciprocal rsqrt sinh tan pow.Tensor_Scalar
    pow.Tensor_Tensor pow.Scalar softplus layer_norm native_layer_norm group_norm nuclear_norm
    cosine_similarity poisson_nll_loss cosine_embedding_loss nll_loss nll_loss2d hinge_embedding_loss kl_div
    l1_loss smooth_l1_loss huber_loss mse_loss margin_ranking_loss multilabel_margin_loss soft_margin_loss
    triplet_margin_loss multi_margin_loss binary_cross_entropy_with_logits dist pdist cdist renorm logsumexp
    prod prod.dim_int softmax.int log_softmax.int cumprod cumsum linalg_vector_norm sum sum.dim_IntList
"""
_WIDEST = """
    addcdiv addcmul atan2 bilinear cross dot grid_sampler index_put tensordot scatter_add cat stack
"""
_BANNED = (
    "torch.nn.functional.binary_cross_entropy and torch.nn.BCELoss are unsafe to autocast.\n"
    "Many models use a sigmoid layer right before the binary cross entropy layer.\n"
    "In this case, combine the two layers using torch.nn.functional.binary_cross_entropy_with_logits\n"
    "or torch.nn.BCEWithLogitsLoss.  binary_cross_entropy_with_logits and BCEWithLogits are\n"
    "safe to autocast."
)
_BASE = torch._C.TensorBase
_KEYS = torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastPrivateUse1)


def register(library: Any) -> None:
    for names, choose in ((_LOW, _low), (_FULL, _full), (_WIDEST, _widest)):
        for name in names.split():
            packet, _, overload = name.partition(".")
            operation = getattr(getattr(torch.ops.aten, packet), overload or "default")
            library.impl(name, _caster(operation, choose), "AutocastPrivateUse1")
    library.impl("binary_cross_entropy", _refuse, "AutocastPrivateUse1")


def _low(_: list[Any]) -> torch.dtype:
    return torch.get_autocast_dtype(NAME)


def _full(_: list[Any]) -> torch.dtype:
    return torch.float32


def _widest(tensors: list[Any]) -> torch.dtype:
    return torch.float32 if any(tensor.dtype == torch.float32 for tensor in tensors) else _low(tensors)


def _caster(operation: Any, choose: Callable[[list[Any]], torch.dtype]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with torch._C._ExcludeDispatchKeyGuard(_KEYS):
            dtype = choose([value for value in _flat([*args, *kwargs.values()]) if _eligible(value)])
            return operation(
                *[_cast(value, dtype) for value in args],
                **{name: _cast(value, dtype) for name, value in kwargs.items()},
            )

    return call


def _flat(values: Any) -> list[Any]:
    return [item for value in values for item in (value if isinstance(value, (list, tuple)) else (value,))]


def _eligible(value: Any) -> bool:
    return (
        isinstance(value, _BASE)
        and value.is_floating_point()
        and value.device.type == NAME
        and value.dtype != torch.float64
    )


def _cast(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, (list, tuple)):
        return [_cast(item, dtype) for item in value]
    return value.to(dtype) if _eligible(value) and value.dtype != dtype else value


def _refuse(*_: Any, **__: Any) -> Any:
    raise RuntimeError(_BANNED)
