"""Short words for facts, and text made safe to show."""

from __future__ import annotations

import re
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

from tutor.facts import ErrorFacts, Origin, Shape, TensorFacts, is_simulated
from tutor.translation import later, say

DTYPES = {
    "float16": "f16",
    "float32": "f32",
    "float64": "f64",
    "bfloat16": "bf16",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "u8",
    "uint16": "u16",
    "uint32": "u32",
    "uint64": "u64",
    "complex32": "c32",
    "complex64": "c64",
    "complex128": "c128",
    "float8_e4m3fn": "f8e4m3",
    "float8_e4m3fnuz": "f8e4m3fnuz",
    "float8_e5m2": "f8e5m2",
    "float8_e5m2fnuz": "f8e5m2fnuz",
    "float8_e8m0fnu": "f8e8m0",
    "float4_e2m1fn_x2": "f4e2m1x2",
}

#: What a terminal would obey or choke on: controls, line separators, direction marks, lone surrogates.
UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb]"
)

#: What the simulated device is, in a list of devices.
SIMULATED_FACT = later("simulated: on the CPU, with a GPU's rules")

#: What that means, where there is room for it.
SIMULATED_MEANS = later("it computes on this computer's CPU, and has a GPU's rules for what lies where")


def device_named(device: str) -> str:
    """A device as a person is to know it: of the simulated one it says so."""
    return say("{device} simulated", device=clean(device)) if is_simulated(device) else clean(device)


#: The kinds of tensors that facts tell apart.
_KINDS = {
    "tensor": later("tensor"),
    "parameter": later("parameter"),
    "buffer": later("buffer"),
    "gradient": later("gradient"),
    "sparse": later("sparse"),
    "nested": later("nested"),
    "quantized": later("quantized"),
    "fake": later("fake"),
    "subclass": later("subclass"),
    "unreadable": later("unreadable"),
}


def said_kind(kind: str) -> str:
    """A kind of tensor in the language that is spoken."""
    return say(_KINDS[kind]) if kind in _KINDS else kind


TIMES = "\N{MULTIPLICATION SIGN}"


def clean(text: str) -> str:
    """`text` on one line, every unsafe character replaced by a visible sign."""
    return UNSAFE.sub(_sign, text)


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code == 0x7F:
        return "␡"
    return chr(0x2400 + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"


def fit(text: str, width: int) -> str:
    """`text` in at most `width` cells, ending in "…" where it was cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""


def fit_end(text: str, width: int) -> str:
    """`text` in at most `width` cells; what was cut is its beginning."""
    if cell_len(text) <= width:
        return text
    kept, used = 0, 1
    while used + cell_len(text[-kept - 1]) <= width:
        used += cell_len(text[-kept - 1])
        kept += 1
    return "…" + text[len(text) - kept :] if width > 0 else ""


def pad(text: str, width: int) -> str:
    """`text` in exactly `width` cells."""
    return set_cell_size(fit(text, width), width)


@lru_cache(maxsize=256)
def dtype_word(dtype: str) -> str:
    """`float32` as `f32`; an unknown dtype as it is."""
    name = dtype.removeprefix("torch.")
    return DTYPES.get(name, clean(name))


def shape_word(shape: Shape) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def stride_word(stride: Shape, offset: int | None) -> str:
    """`(3, 1) +2`: the stride, and the offset where there is one."""
    word = "(" + ", ".join(map(str, stride)) + ")"
    return f"{word} +{offset}" if offset else word


def grad_fn_word(grad_fn: str) -> str:
    """`MvBackward0` as `Mv`."""
    return clean(re.sub(r"Backward\d*$", "", grad_fn)) or clean(grad_fn)


def kind_word(facts: TensorFacts) -> str:
    """Shape and dtype, or what can be said without them."""
    shape = shape_word(facts.shape) if facts.shape is not None else ""
    dtype = dtype_word(facts.dtype) if facts.dtype is not None else ""
    return " ".join(filter(None, (shape, dtype))) or clean(facts.type)


def bytes_word(nbytes: int) -> str:
    """Bytes in decimal units: `12 B`, `4.0 MB`."""
    if nbytes < 1_000:
        return f"{nbytes} B"
    size, units = nbytes / 1_000, ["TB", "GB", "MB", "kB"]
    while size >= 999.95 and len(units) > 1:
        size /= 1_000
        units.pop()
    return f"{size:.1f} {units[-1]}"


def seconds_word(seconds: float) -> str:
    """`12 ms`, `3.4 s`, `2 min 5 s`."""
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return say("{minutes} min {rest} s", minutes=minutes, rest=rest)


def entered_before(error: ErrorFacts) -> str:
    """Which line of code that was entered before an error came from; empty where it was what ran itself."""
    frame = error.frames[-1] if error.frames else None
    if frame is None or not frame.elsewhere:
        return ""
    lines, at = frame.source.split("\n"), frame.line - frame.first_line
    code = " ".join(lines[at].split()) if 0 <= at < len(lines) else ""
    return say("in {function}, entered before: {code}", function=frame.function, code=code) if code else ""


def line_word(origin: Origin) -> str:
    """`line 3`; what was entered at the prompt is told apart from the file's lines."""
    if origin.filename.startswith("<cell"):
        return say("at the prompt")
    if origin.filename == "setup":
        return say("in the setup, line {line}", line=origin.line)
    return say("line {line}", line=origin.line)
