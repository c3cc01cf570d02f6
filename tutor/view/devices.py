"""What was copied between devices, and what they hold, in a few words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tutor.facts import DeviceFacts, Step, TransferFacts
from tutor.translation import say
from tutor.view.words import bytes_word, clean


def copy_word(target: str, nbytes: int) -> str:
    """One copy to another device: `copy to sim:0, 24 B`."""
    return say("copy to {device}, {size}", device=clean(target), size=bytes_word(nbytes))


def transfer_word(transfer: TransferFacts) -> str:
    """All copies in one direction: `copy to sim:0, 24 B`, `12 copies to cpu, 48 B`."""
    if transfer.count == 1:
        return copy_word(transfer.target, transfer.nbytes)
    return say(
        "{count:,} copies to {device}, {size}",
        count=transfer.count,
        device=clean(transfer.target),
        size=bytes_word(transfer.nbytes),
    )


def held_word(device: DeviceFacts) -> str:
    """What a device holds: `sim:0 holds 1.2 kB, at most 4.0 kB so far`."""
    most = device.peak if device.peak is not None else device.allocated
    name, held = clean(device.device), bytes_word(device.allocated)
    if most <= device.allocated:
        return say("{device} holds {size}", device=name, size=held)
    return say("{device} holds {size}, at most {most} so far", device=name, size=held, most=bytes_word(most))


def together(steps: Iterable[Step]) -> Iterator[TransferFacts]:
    """The copies of several statements, those in one direction as one."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for step in steps:
        for one in step.transfers:
            count, nbytes = sums.get((one.source, one.target), (0, 0))
            sums[one.source, one.target] = count + one.count, nbytes + one.nbytes
    for (source, target), (count, nbytes) in sums.items():
        yield TransferFacts(source, target, count, nbytes)
