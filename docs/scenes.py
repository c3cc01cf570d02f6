"""The app's main states, each reached by its keys over a real kernel.

`docs/screenshots.py` draws them as pictures, `tests/tui/test_snapshots.py` compares them as text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from textual.pilot import Pilot

from docs.shown import shown_strips
from tutor.course.loader import load_lesson
from tutor.course.schema import Lesson
from tutor.course.store import Store
from tutor.session import Session
from tutor.tui.app import TutorApp
from tutor.tui.workbench import Workbench

#: Seconds until a state has to be there.
PATIENCE = 60.0
LESSONS = Path(__file__).parent / "scenes"


class Stage:
    """The running app, as seen and driven from outside."""

    def __init__(self, pilot: Pilot[int]) -> None:
        self.pilot = pilot
        self.app = cast("TutorApp", pilot.app)

    @property
    def bench(self) -> Workbench:
        return self.app.workbench

    @property
    def rows(self) -> list[str]:
        """The terminal's rows as text."""
        return [strip.text.rstrip() for strip in shown_strips(self.app)]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def until(self, what: Callable[[], object]) -> None:
        """Wait until something is true."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not what():
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError("the app did not come to this:\n" + "\n".join(self.rows))
            await self.pilot.pause(0.02)
        await self.pilot.pause()

    async def see(self, *parts: str) -> None:
        """Wait until all parts are on the screen."""
        await self.until(lambda: all(part in "\n".join(self.rows) for part in parts))

    async def rest(self) -> None:
        """Wait until nothing runs, and the screen is drawn and does not change any more."""
        runner = self.bench.runner
        busy = ("starting", "busy", "stopping")
        await self.until(lambda: not runner.busy and runner.session.state not in busy)
        before: list[str] = []
        while before != self.rows or not any(before) or runner.session._waiting:
            before = self.rows
            await self.pilot.pause(0.25)

    async def code(self, source: str) -> None:
        """Put code into the editor as if it had been typed."""
        self.bench.editor.text = source
        self.bench.editor.focus()
        await self.pilot.pause()

    async def run(self) -> None:
        await self.press("ctrl+r")
        await self.rest()

    async def focus(self, panel: str) -> None:
        """Go to a panel of the inspector."""
        self.bench.query_one(f"#{panel}").focus()
        await self.rest()

    async def enter(self, line: str) -> None:
        """Enter a line at the prompt, and go back to the editor."""
        self.bench.repl.focus()
        await self.pilot.pause()
        await self.press(*line, "enter")
        await self.rest()
        self.bench.editor.focus()

    async def leave(self) -> None:
        """Stop what still runs, so that the kernel is free for the next scene."""
        if self.bench.runner.busy:
            self.bench.action_stop()
            await self.rest()

    async def go_to(self, step: str) -> None:
        walk = self.bench.walk
        while walk is not None and walk.step.id != step:
            await self.press("f8")
            await self.rest()


Act = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """`lesson` is a file of `docs/scenes`; empty for a scratch page. `greet`: it is the first start."""

    act: Act
    lesson: str = "views"
    greet: bool = False
    #: The lesson comes from a file elsewhere.
    foreign: bool = False
    #: Its end is not waited for: code runs on.
    runs: bool = False

    def open(self, session: Session, store: Store, theme: str | None = None) -> TutorApp:
        """The app that is to play it."""
        path = LESSONS / f"{self.lesson}.yaml" if self.lesson else None
        lesson: Lesson | None = load_lesson(path) if path is not None else None
        origin = path if self.foreign else None
        return TutorApp(session, store, lesson, path=origin, greet=self.greet, theme=theme)

    async def play(self, pilot: Pilot[int]) -> Stage:
        """Bring the app into this state."""
        stage = Stage(pilot)
        await stage.rest()
        await self.act(stage)
        if not self.runs:
            await stage.rest()
        return stage


async def first(stage: Stage) -> None:
    """As a lesson begins."""


async def ran(stage: Stage) -> None:
    """A step that ran, and a line at the prompt."""
    await stage.run()
    await stage.enter("y.stride()")
    editor = stage.bench.editor
    # In one move, and until it rests: what is selected would else depend on how fast the keys came.
    editor.move_cursor((2, len(editor.document[2])))
    await stage.until(lambda: stage.bench.selected == editor.name_at_cursor())


async def edited(stage: Stage) -> None:
    """Notes that no longer hold."""
    await ran(stage)
    await stage.press("9", "down", "end", "enter", *"w = x + 1")
    await stage.press("escape")


async def inspector(stage: Stage) -> None:
    """The page turned to the inspector, where there is no room beside it."""
    await ran(stage)
    if stage.app.size.width < 110:
        await stage.press("f2")
    else:
        stage.bench.inspector.table.focus()


async def predicting(stage: Stage) -> None:
    """A prediction that was made."""
    await stage.go_to("transposed")
    await stage.press("down", "enter")


async def predicted(stage: Stage) -> None:
    """A prediction beside the answer."""
    await predicting(stage)
    await stage.run()


async def hinted(stage: Stage) -> None:
    """An exercise that failed, and a hint."""
    await stage.go_to("your-view")
    await stage.code("x = torch.arange(6.)\nv = x.view(3, 2).clone()")
    await stage.press("ctrl+t")
    await stage.rest()
    await stage.press("ctrl+n")


async def solved(stage: Stage) -> None:
    """An exercise that was solved."""
    await stage.go_to("your-view")
    await stage.code("x = torch.arange(6.)\nv = x.view(3, 2)")
    await stage.press("ctrl+t")


async def solution(stage: Stage) -> None:
    """The solution, after the question."""
    await stage.go_to("your-view")
    await stage.app.workbench.run_action("solution")
    await stage.press("enter")


async def error(stage: Stage) -> None:
    """Code that raises, and why."""
    await stage.code("m = torch.arange(6.).view(2, 3)\nt = m.t()\nflat = t.view(6)\nprint(flat)")
    await stage.run()


async def running(stage: Stage) -> None:
    """Code that runs on."""
    await stage.code("total = torch.zeros(3)\nprint('counting')\nwhile True:\n    total += 1\n")
    await stage.press("ctrl+r")
    await stage.see("▸ running", "A [3] f32", "counting", "f4 Stop")
    await stage.pilot.pause(0.3)


async def dead(stage: Stage) -> None:
    """A kernel that died of the learner's code."""
    await stage.code("import os, signal\nx = torch.ones(3)\nos.kill(os.getpid(), signal.SIGKILL)\n")
    await stage.press("ctrl+r")
    await stage.until(lambda: stage.bench.runner.session.state == "dead" and not stage.bench.runner.busy)


async def scratch(stage: Stage) -> None:
    """A scratch page with a graph."""
    await stage.code(
        "import torch\n\nx = torch.arange(6.).reshape(2, 3)\ny = x[:, 1]\nx[0, 1] = 9\n\n"
        "w = torch.ones(3, requires_grad=True)\nh = x @ w\nloss = (h - 1).pow(2).mean()\nloss.backward()\n"
    )
    await stage.run()


async def lessons(stage: Stage) -> None:
    """Lessons to choose from, with the learner's progress."""
    from tutor.tui.chooser import Chooser
    from tutor.tui.lessons import lesson_items

    await stage.run()
    await stage.press("f8")
    await stage.rest()
    paths = [LESSONS / "views.yaml", LESSONS / "korean.yaml"]
    stage.app.push_screen(Chooser("lessons", lesson_items(stage.app.store, paths), "scene-views"))
    await stage.see("enter chooses")


async def bundled(stage: Stage) -> None:
    """The lessons that come with the app."""
    await stage.press("ctrl+l")


async def helping(stage: Stage) -> None:
    """All keys."""
    await stage.press("f12")
    await stage.see("esc closes", "^r")


async def welcome(stage: Stage) -> None:
    """The first start."""
    await stage.see("is ready")


async def palette(stage: Stage) -> None:
    """The commands by name."""
    await stage.press("ctrl+o")
    await stage.press(*"th")
    await stage.see("Theme")


async def going(stage: Stage) -> None:
    """Every pane with its number."""
    await ran(stage)
    await stage.press("f6")


async def completing(stage: Stage) -> None:
    """Names that are offered."""
    await stage.run()
    stage.bench.editor.move_cursor(stage.bench.editor.document.end)
    await stage.press("enter", *"y.cont")
    await stage.see("contiguous")


async def documenting(stage: Stage) -> None:
    """What torch says of a name."""
    await stage.run()
    stage.bench.editor.move_cursor((0, 13))
    await stage.press("ctrl+d")
    await stage.see("arange(start=0")


async def finding(stage: Stage) -> None:
    """Text that is looked for."""
    await stage.run()
    stage.bench.editor.focus()
    await stage.press("ctrl+f", *"y")
    await stage.see("find ›")


async def asking(stage: Stage) -> None:
    """Code that waits for an answer."""
    await stage.code('name = input("이름: ")\nprint("안녕,", name)\n')
    await stage.press("ctrl+r")
    await stage.until(lambda: stage.bench.repl.asking)
    await stage.press(*"파이토치")


#: The states that are compared as text too.
MAIN: dict[str, Scene] = {
    "first": Scene(first),
    "ran": Scene(ran),
    "edited": Scene(edited),
    "predicting": Scene(predicting),
    "predicted": Scene(predicted),
    "hinted": Scene(hinted),
    "error": Scene(error),
    "scratch": Scene(scratch, lesson=""),
    "inspector": Scene(inspector),
    "running": Scene(running, runs=True),
    "dead": Scene(dead),
    "lessons": Scene(lessons),
    "help": Scene(helping),
    "welcome": Scene(welcome, greet=True),
    "korean": Scene(ran, lesson="korean"),
}
SCENES: dict[str, Scene] = {
    **MAIN,
    "solved": Scene(solved),
    "solution": Scene(solution),
    "bundled": Scene(bundled),
    "palette": Scene(palette),
    "go": Scene(going),
    "completion": Scene(completing),
    "documentation": Scene(documenting),
    "find": Scene(finding),
    "trust": Scene(first, foreign=True),
    "input": Scene(asking, lesson="korean", runs=True),
}
