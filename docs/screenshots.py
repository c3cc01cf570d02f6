"""Draw the app's states as PNG files: `python docs/screenshots.py OUTDIR [NAME...]`.

The app runs for real, with a real kernel, driven by its keys. Needs Pillow and a monospaced font, and for
Korean one that has it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", "truecolor")
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
sys.path.insert(0, str(Path(__file__).parent.parent))

from textual.geometry import Region

from docs.drawing import save
from docs.parts import PARTS
from docs.scenes import SCENES, Scene
from tutor.course.store import Store
from tutor.session import Session

Size = tuple[int, int]
BROAD, WIDE, NARROW, SMALL = (160, 45), (120, 36), (80, 24), (60, 18)


def _sizes(name: str) -> list[tuple[Size, str]]:
    """The sizes and themes in which a state is drawn."""
    shots = [(WIDE, "ink"), (NARROW, "ink")]
    if name in ("ran", "predicting", "error", "help", "welcome", "inspector", "hinted", "lessons", "palette"):
        shots.append((SMALL, "ink"))
    if name in ("ran", "scratch"):
        shots.append((BROAD, "ink"))
    if name in ("ran", "predicted", "error", "completion", "lessons"):
        shots += [(WIDE, "paper"), (WIDE, "ansi")]
    return shots


SHOTS: dict[str, tuple[Scene, Size, str]] = {
    f"{size[0]}x{size[1]}-{name}{'' if theme == 'ink' else f'-{theme}'}": (scene, size, theme)
    for name, scene in SCENES.items()
    for size, theme in _sizes(name)
}


async def shoot(folder: Path, names: list[str]) -> None:
    """Draw the named shots into `folder`, all with one kernel."""
    session = Session("cpu", spare=False)
    session.spawn()
    try:
        for name in names:
            scene, size, theme = SHOTS[name]
            if session.state == "dead":
                await session.restart()
            with TemporaryDirectory() as home, Store.open(Path(home) / "tutor.db", patience=5) as store:
                app = scene.open(session, store, theme)
                async with app.run_test(size=size) as pilot:
                    stage = await scene.play(pilot)
                    save(app, folder / f"{name}.png")
                    await stage.leave()
            print(folder / f"{name}.png", flush=True)
    finally:
        await session.close()


async def shoot_parts(folder: Path, names: list[str]) -> None:
    """Draw the named parts of the inspector."""
    for name in names:
        part = PARTS[name]
        session = Session("cpu", spare=False)
        session.spawn()
        try:
            with TemporaryDirectory() as home, Store.open(Path(home) / "tutor.db", patience=5) as store:
                app = part.scene.open(session, store, "ink")
                async with app.run_test(size=part.size) as pilot:
                    stage = await part.scene.play(pilot)
                    regions = [stage.bench.query_one(f"#{widget}").region for widget in part.widgets]
                    save(app, folder / f"{name}.png", Region.from_union(regions) if regions else None)
                    await stage.leave()
        finally:
            await session.close()
        print(folder / f"{name}.png", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit("usage: python docs/screenshots.py OUTDIR [NAME...]")
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    wanted = [shot for part in sys.argv[2:] or [""] for shot in SHOTS if part in shot]
    parts = [name for name in PARTS if not sys.argv[2:] or f"part-{name}" in sys.argv[2:]]
    asyncio.run(shoot(Path(sys.argv[1]), wanted))
    asyncio.run(shoot_parts(Path(sys.argv[1]), parts))
