"""What was copied between devices, and what they hold, in a few words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tutor.facts import DeviceFacts, Step, TransferFacts
from tutor.view.words import bytes_word, clean


def copy_word(target: str, nbytes: int) -> str:
    """One copy to another device: `to sim:0, 24 B`."""
    return f"to {clean(target)}, {bytes_word(nbytes)}"


def transfer_word(transfer: TransferFacts) -> str:
    """All copies in one direction: `copy to sim:0, 24 B`, `12 copies to cpu, 48 B`."""
    what = "copy" if transfer.count == 1 else f"{transfer.count:,} copies"
    return f"{what} {copy_word(transfer.target, transfer.nbytes)}"


def held_word(device: DeviceFacts) -> str:
    """What a device holds: `sim:0 holds 1.2 kB, at most 4.0 kB so far`."""
    most = device.peak if device.peak is not None else device.allocated
    more = f", at most {bytes_word(most)} so far" if most > device.allocated else ""
    return f"{clean(device.device)} holds {bytes_word(device.allocated)}{more}"


def together(steps: Iterable[Step]) -> Iterator[TransferFacts]:
    """The copies of several statements, those in one direction as one."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for step in steps:
        for one in step.transfers:
            count, nbytes = sums.get((one.source, one.target), (0, 0))
            sums[one.source, one.target] = count + one.count, nbytes + one.nbytes
    for (source, target), (count, nbytes) in sums.items():
        yield TransferFacts(source, target, count, nbytes)
