"""How a kernel died, in one sentence."""

from __future__ import annotations

import signal

from tutor.translation import say, translated

_CAUSES = {
    "SIGKILL": "most likely the machine ran out of memory, or another program killed it",
    "SIGSEGV": "a crash inside native code, such as a wrong pointer passed to a C function",
    "SIGBUS": "a crash inside native code, often a memory-mapped file that was cut short",
    "SIGABRT": "native code gave up, usually after a failed internal check",
    "SIGFPE": "native code divided an integer by zero",
    "SIGILL": "native code used an instruction that this processor does not have",
    "SIGTERM": "another program asked it to end",
    "SIGXCPU": "it used up its CPU time limit",
}


def describe_death(status: int, line: int | None) -> str:
    """One sentence from a return code as subprocess gives it (negative: a signal)."""
    if status >= 0:
        if line:
            return say(
                "The kernel ended itself with exit status {status} at line {line} "
                "(os._exit, or a call that exits).",
                status=status,
                line=line,
            )
        return say(
            "The kernel ended itself with exit status {status} (os._exit, or a call that exits).",
            status=status,
        )
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = say("signal {number}", number=-status)
    cause = translated(_CAUSES[name]) if name in _CAUSES else ""
    told = say("The kernel was ended by {name}", name=name)
    if line:
        told = say("The kernel was ended by {name} at line {line}", name=name, line=line)
    return f"{told}: {cause}." if cause else f"{told}."
