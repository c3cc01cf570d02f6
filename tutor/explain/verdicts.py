"""What an operation made of its arguments, in a few words, and why: a view, a copy, a write in place."""

from __future__ import annotations

from dataclasses import dataclass

from tutor.explain.reading import COPY_IF_NEEDED
from tutor.explain.strides import contiguous_stride, view_seam
from tutor.explain.wording import fill, phrase, shape_text, stride_text
from tutor.facts import OpFacts, Verdict

#: Methods that give their tensor back where there is nothing to convert.
_CONVERTING = frozenset(
    {"to", "type", "type_as", "cpu", "cuda", "float", "double", "half", "bfloat16", "int", "long", "short"}
    | {"bool", "char", "byte", "contiguous", "requires_grad_", "expand_as"}
)
_ALWAYS = frozenset({"clone", "deepcopy", "__deepcopy__", "tensor", "new_tensor", "repeat", "tile"})
_GATHERING = frozenset(
    {"getitem", "index_select", "masked_select", "gather", "take", "take_along_dim", "index"}
)
_REPEATING = frozenset({"expand", "expand_as", "broadcast_to"})

_RAISED = "raised {error}"
_VIEW, _COPY, _ITSELF, _WRITES = "view of {of}", "copy of {of}", "{of} itself", "writes {of}"
_AN_ARGUMENT, _OTHER_MEMORY, _ITS_ARGUMENT = "an argument", "other memory", "its argument"
_PLAIN_COPY, _NEW = "copy", "new memory"
_NOTHING = "there was nothing to convert"
_IN_ORDER = "its elements lie in order already"
_ALWAYS_COPIES = "{name} always copies"
_GATHERS = "{name} gathers elements, which no stride can do"
_VERSION = "version {moved}"
_SEAM = "no stride gives {new} here: a step along dimension {dimension} goes {step:,} on, not {needed:,}"
_ORDER = "its elements lie in memory by stride {have}; in order would be {wanted}"
_DTYPE = "{had} had to become {has}"
_DEVICE = "its elements had to go from {had} to {has}"
_GATHERED = "a list, a tensor or a mask as index gathers elements; only slices and numbers give views"
_FITS = "stride {stride} describes {shape} over the same memory"
_REPEAT = "stride 0: dimension {dimension} reads the same elements {size:,} times"


@dataclass(frozen=True)
class Ruling:
    """`text` says what came of it (`view of x`); `why` is a clause, empty where there is nothing to say."""

    verdict: Verdict
    #: The argument it is about, as the learner wrote it; empty where it has no name.
    of: str
    text: str
    why: str = ""


def ruling(op: OpFacts) -> Ruling:
    """The verdict on one operation, from its own facts."""
    about = op.ins[op.of] if op.of is not None and op.of < len(op.ins) else None
    of = about.name if about is not None else ""
    named = of or (fill(_AN_ARGUMENT) if about is not None else "")
    if op.error is not None:
        return Ruling(op.verdict, of, phrase(_RAISED, error=op.error.partition(":")[0]))
    match op.verdict:
        case "view":
            return Ruling("view", of, phrase(_VIEW, of=named or _OTHER_MEMORY), _why_view(op))
        case "copy":
            text = phrase(_COPY, of=named) if named else fill(_PLAIN_COPY)
            return Ruling("copy", of, text, _why_copy(op))
        case "same":
            why = fill(_NOTHING) if op.name in _CONVERTING else ""
            why = fill(_IN_ORDER) if op.name == "contiguous" else why
            return Ruling("same", of, phrase(_ITSELF, of=named or _ITS_ARGUMENT), why)
        case "in place":
            of = of or ", ".join(_written(op))
            return Ruling("in place", of, phrase(_WRITES, of=of or _AN_ARGUMENT), _versions(op))
        case "new":
            return Ruling("new", of, fill(_NEW), "")
        case _:
            return Ruling("none", of, "", "")


def say(op: OpFacts) -> tuple[str, str]:
    """What is said of an operation, and why."""
    found = ruling(op)
    return found.text, found.why


def _written(op: OpFacts) -> list[str]:
    """Names of the arguments that were written, each once."""
    written = (op.ins[write.argument].name for write in op.wrote if write.argument < len(op.ins))
    return list(dict.fromkeys(filter(None, written)))


def _versions(op: OpFacts) -> str:
    moved = [f"{write.before} → {write.after}" for write in op.wrote]
    return phrase(_VERSION, moved=moved[0]) if len(moved) == 1 else ""


def _why_copy(op: OpFacts) -> str:
    if op.of is None or op.of >= len(op.ins) or not op.outs:
        return ""
    had, has = op.ins[op.of], op.outs[0]
    if op.name in _ALWAYS:
        return fill(_ALWAYS_COPIES, name=op.name.strip("_"))
    if op.name in _GATHERING:
        return fill(_GATHERED) if op.name == "getitem" else fill(_GATHERS, name=op.name)
    if None in (had.shape, had.stride, has.shape):
        return ""
    if had.device != has.device:
        return fill(_DEVICE, had=had.device, has=has.device)
    if had.dtype != has.dtype:
        return fill(_DTYPE, had=had.dtype, has=has.dtype)
    shape, stride, new = had.shape or (), had.stride or (), has.shape or ()
    if op.name in COPY_IF_NEEDED and shape != new and 0 not in shape:
        seam = view_seam(shape, stride, new)
        if seam is not None:
            return fill(
                _SEAM,
                new=shape_text(new),
                dimension=seam.dimension,
                step=seam.step,
                needed=seam.count * seam.gap,
            )
    wanted = contiguous_stride(shape)
    if op.name in COPY_IF_NEEDED and stride != wanted:
        return fill(_ORDER, have=stride_text(stride), wanted=stride_text(wanted))
    return ""


def _why_view(op: OpFacts) -> str:
    if not op.outs or op.outs[0].shape is None or op.outs[0].stride is None:
        return ""
    out = op.outs[0]
    shape, stride = out.shape or (), out.stride or ()
    if op.name in COPY_IF_NEEDED:
        return fill(_FITS, stride=stride_text(stride), shape=shape_text(shape))
    if op.name in _REPEATING:
        for dimension, (size, step) in enumerate(zip(shape, stride, strict=True)):
            if step == 0 and size > 1:
                return fill(_REPEAT, dimension=dimension, size=size)
    return ""
