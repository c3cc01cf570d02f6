"""The simulated device in the app: a lesson brings it, the bar says what it is, copies are told."""

from __future__ import annotations

from msgspec.structs import replace

from tests.tui.conftest import Play, Player
from tutor.course.schema import Lesson

CODE = """\
there = torch.arange(6.0).to(device)
print(there.sum().item())
back = there.cpu()
"""


def test_a_lesson_starts_its_device_and_another_lesson_leaves_it(play: Play, lesson: Lesson) -> None:
    async def story(p: Player) -> None:
        session = p.bench.runner.session
        session.chosen = "auto"
        try:
            p.bench.open(replace(lesson, device="sim"))
            await p.see("● sim:0 simulated")
            await p.settle()
            await p.code(CODE)
            await p.run()
            await p.see("copy to sim:0, 24 B", "copy to cpu, 4 B", "copy to cpu, 24 B", "sim:0 holds ")
            assert all(device in p.row(name) for name, device in (("there", "sim:0"), (" back ", "cpu")))
            p.bench.action_device()
            await p.see("▸ sim   simulated")
            await p.press("escape")
            p.bench.open(replace(lesson, device="any"))
            await p.see("● cpu")
        finally:
            session.chosen = "cpu"
            await session.restart("cpu")

    play(story)
