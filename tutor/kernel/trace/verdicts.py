"""What an operation made of its arguments, from identities, storages and versions alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tutor.facts import Operand, Verdict, Write
from tutor.kernel.guard import GENUINE
from tutor.kernel.trace.kinds import Kind
from tutor.kernel.trace.operands import Found, version_of

globals()["__builtins__"] = GENUINE

#: Whether two operands, of which one is an array or has no storage of its own, are on the same memory.
Share = Callable[[Found, Found], bool]


def writes(found: Sequence[Found], ins: Sequence[Operand]) -> tuple[Write, ...]:
    """The arguments whose versions moved since they were read."""
    moved: list[Write] = []
    for index, (one, before) in enumerate(zip(found, ins, strict=True)):
        known = any(ins[write.argument].object == before.object for write in moved)
        if before.version is not None and not known:
            after = version_of(one.value)
            if after is not None and after != before.version:
                moved.append(Write(index, before.version, after))
    return tuple(moved)


def judge(
    kind: Kind,
    given: tuple[Sequence[Found], Sequence[Operand]],
    made: tuple[Sequence[Found], Sequence[Operand]],
    wrote: Sequence[Write],
    share: Share,
) -> tuple[Verdict, int | None]:
    """The verdict on a call that succeeded, and the index of the argument that it is about.

    Of several results the first one counts. `copy` is new memory that has only elements of one argument:
    the same ones, some of them, or the same in another order, dtype or place. `new` is computed.
    """
    arguments, ins = given
    if not made[0]:
        return _without_result(kind, ins, wrote)
    result, out = made[0][0], made[1][0]
    same = next((i for i in reversed(range(len(ins))) if arguments[i].value is result.value), None)
    if same is not None:
        written = any(ins[write.argument].object == ins[same].object for write in wrote)
        written = written or _writes_unseen(kind, arguments[same], ins[same])
        return ("in place" if written else "same"), same
    base = next((i for i in range(len(ins)) if _on_memory_of(arguments[i], ins[i], result, out, share)), None)
    if base is not None:
        return "view", base
    if kind.moving and ins and not wrote:
        return "copy", 0
    return "new", None


def _without_result(kind: Kind, ins: Sequence[Operand], wrote: Sequence[Write]) -> tuple[Verdict, int | None]:
    if wrote:
        return "in place", wrote[0].argument
    return ("in place", 0) if kind.writing and ins else ("none", None)


def _writes_unseen(kind: Kind, found: Found, before: Operand) -> bool:
    """Inference tensors have no version: there the operation's name tells, and `out=`."""
    return before.version is None and (kind.writing or found.argument == "out")


def _on_memory_of(given: Found, before: Operand, result: Found, after: Operand, share: Share) -> bool:
    if "ndarray" in (before.kind, after.kind) or before.storage is None or after.storage is None:
        return share(given, result)
    return before.storage == after.storage
