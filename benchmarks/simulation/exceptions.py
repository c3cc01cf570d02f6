"""Where the device does not give what the CPU gives, by operator, and why."""

from __future__ import annotations

#: By verdict: the reason, and the operators of which it is true.
EXCEPTIONS: dict[str, tuple[str, frozenset[str]]] = {
    "refused": (
        "CUDA refuses these samples in the same words: it takes the positions from the host only.",
        frozenset({"tensor_split"}),
    ),
    "absent": (
        "The simulated device has no sparse tensors, and says so in one sentence.",
        frozenset({"sparse.mm.reduce", "sparse.sampled_addmm", "to_sparse"}),
    ),
    "raises": (
        "They exist for CUDA alone: the CPU refuses them, and so does the device, in the same words.",
        frozenset(
            {
                "jiterator_unary",
                "jiterator_binary",
                "jiterator_binary_return_by_ref",
                "jiterator_4inputs_with_extra_args",
                "jiterator_2inputs_2outputs",
            }
        ),
    ),
    "unwritten": (
        "They give memory that nobody has written, whose content is chance: all but the values is compared.",
        frozenset(
            {"empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided"}
        ),
    ),
}
#: Of verdicts that need no list of names.
CLOSE = (
    "The CPU's own last bits vary from call to call (LAPACK, driver `gelsy`): close, not equal; "
    "how many changes from run to run."
)


def excepted(name: str, verdict: str) -> bool:
    """Whether a verdict is expected of an operator."""
    return verdict in {"equal", "close"} or (verdict in EXCEPTIONS and name in EXCEPTIONS[verdict][1])
