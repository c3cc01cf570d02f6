"""The main states as rows of text, compared with what lies in `snapshots/`.

`UPDATE_SNAPSHOTS=1 python -m pytest tests/tui/test_snapshots.py` writes them anew: look at what changed
before you keep it. They come from the real app over a real kernel; only how long a run took, the version of
torch and addresses are made the same for everybody.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import re
from pathlib import Path

import pytest

from docs.scenes import MAIN, Stage
from tutor.course.store import Store
from tutor.session import Session
from tutor.tui import status

from .conftest import have_idle

SNAPSHOTS = Path(__file__).parent / "snapshots"
RENEW = "UPDATE_SNAPSHOTS=1 python -m pytest tests/tui/test_snapshots.py"
#: Seconds until the screen has to show what was kept.
PATIENCE = 20.0

_SAME = (
    (re.compile(r"0x[0-9a-f]+"), "0x7f0000000000"),
    (re.compile(r"─*(  torch )\S+( on)"), r"──\1…\2"),
)


def _normal(rows: list[str]) -> str:
    text = "\n".join(row.rstrip() for row in rows).rstrip() + "\n"
    for pattern, same in _SAME:
        text = pattern.sub(same, text)
    return text


async def _shows(stage: Stage, expected: str) -> bool:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while _normal(stage.rows) != expected:
        if asyncio.get_running_loop().time() > deadline:
            return False
        await stage.pilot.pause(0.1)
    return True


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 18)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", MAIN)
def test_screen_is_as_it_was_kept(
    name: str,
    size: tuple[int, int],
    runner: asyncio.Runner,
    shared_session: Session,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(status, "duration", lambda seconds: "5 ms")
    scene, path = MAIN[name], SNAPSHOTS / f"{name}-{size[0]}x{size[1]}.txt"
    renew = os.environ.get("UPDATE_SNAPSHOTS") == "1"

    async def go() -> None:
        await have_idle(shared_session)
        app = scene.open(shared_session, store, "ink")
        async with app.run_test(size=size) as pilot:
            stage = await scene.play(pilot)
            if renew:
                SNAPSHOTS.mkdir(exist_ok=True)
                path.write_text(_normal(stage.rows), encoding="utf-8")
            expected = path.read_text(encoding="utf-8")
            same = await _shows(stage, expected)
            shown = _normal(stage.rows)
            await stage.leave()
        if not same:
            kept, seen = expected.split("\n"), shown.split("\n")
            told = "\n".join(difflib.unified_diff(kept, seen, "kept", "shown", lineterm=""))
            pytest.fail(f"{told}\nIf it should look so now: {RENEW}")

    runner.run(go())
