"""Scaled dot product attention: of torch's several ways to compute it, the one that the CPU would take."""

from __future__ import annotations

from typing import Any

import torch

from tutor.kernel.guard import GENUINE
from tutor.kernel.sim import dispatch

globals()["__builtins__"] = GENUINE

_aten = torch.ops.aten
_FLASH = int(torch.nn.attention.SDPBackend.FLASH_ATTENTION)


def register(library: Any) -> None:
    for key in ("AutogradPrivateUse1", "PrivateUse1"):
        library.impl("scaled_dot_product_attention", _attention, key)


def _attention(  # noqa: PLR0913 - torch's own signature
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    _together(query, key, value)
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        masked = torch.zeros_like(attn_mask, dtype=query.dtype)
        attn_mask = masked.masked_fill_(attn_mask.logical_not(), float("-inf"))
    options = {"scale": scale, "enable_gqa": enable_gqa}
    given = (query, key, value, attn_mask, dropout_p, is_causal)
    learned = attn_mask is not None and attn_mask.requires_grad  # of which the choice below sees only values
    fused = not learned and dispatch.run(_aten._fused_sdp_choice.default, *given, **options) == _FLASH
    if fused and not enable_gqa:
        output, _ = _aten._scaled_dot_product_flash_attention_for_cpu.default(
            query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale
        )
        return output
    return _aten._scaled_dot_product_attention_math.default(*given, **options)[0]


def _together(query: Any, key: Any, value: Any) -> None:
    if not query.device == key.device == value.device:
        raise RuntimeError(
            "Expected query, key, and value to have the same device type, but got query.device: "
            f"{query.device} key.device: {key.device} and value.device: {value.device} instead."
        )
