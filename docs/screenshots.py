"""Draw the app as PNG files: `python docs/screenshots.py OUTDIR`.

The app runs for real, with a real kernel, driven by its keys. What the compositor holds is drawn
cell by cell, so columns stay columns in every script. Needs Pillow and a monospaced font.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("TEXTUAL_COLOR_SYSTEM", "truecolor")
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")

from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from rich.terminal_theme import MONOKAI
from textual.pilot import Pilot

from tutor.course.loader import find_lesson, load_lesson
from tutor.course.store import Store
from tutor.session import Session
from tutor.tui.app import TutorApp

CELL_WIDTH, CELL_HEIGHT, SIZE, MARGIN = 11, 24, 18, 14
FONT_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local/share/fonts",
    Path.home() / ".fonts",
    Path("/Library/Fonts"),
    Path("/System/Library/Fonts"),
)
#: Families by preference: file stems of regular, bold, italic, bold italic.
FAMILIES = (
    ("JetBrainsMono-Regular", "JetBrainsMono-Bold", "JetBrainsMono-Italic", "JetBrainsMono-BoldItalic"),
    ("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSansMono-BoldOblique"),
    ("LiberationMono-Regular", "LiberationMono-Bold", "LiberationMono-Italic", "LiberationMono-BoldItalic"),
    ("Menlo", "Menlo", "Menlo", "Menlo"),
)
#: Fonts for characters that the family lacks.
FALLBACKS = (
    "NanumGothicCoding",
    "NotoSansMonoCJK-Regular",
    "NotoSansCJK-Regular",
    "NotoSansKR-Regular",
    "UnDotum",
    "AppleSDGothicNeo",
    "DejaVuSansMono",
    "DejaVuSans",
)

Act = Callable[[Pilot[int]], Awaitable[None]]
RGB = tuple[int, int, int]


@lru_cache
def _font_files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in FONT_FOLDERS:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.suffix.lower() in (".ttf", ".otf", ".ttc"):
                found.setdefault(path.stem, path)
    return found


@lru_cache
def _load(stem: str) -> ImageFont.FreeTypeFont | None:
    path = _font_files().get(stem)
    return ImageFont.truetype(str(path), SIZE) if path is not None else None


@lru_cache
def _family() -> tuple[str, ...]:
    for family in FAMILIES:
        if family[0] in _font_files():
            return tuple(stem if stem in _font_files() else family[0] for stem in family)
    raise SystemExit("No monospaced font found: install JetBrains Mono or DejaVu Sans Mono.")


@lru_cache(8192)
def _has(stem: str, character: str) -> bool:
    """Whether the font draws `character`; missing ones all look like the same box."""
    font = _load(stem)
    return font is not None and bytes(font.getmask(character)) != bytes(font.getmask("\U0010fffe"))


def _font_for(character: str, bold: bool, italic: bool) -> ImageFont.FreeTypeFont:
    stem = _family()[bold + 2 * italic]
    if not _has(stem, character):
        stem = next((fallback for fallback in FALLBACKS if _has(fallback, character)), stem)
    font = _load(stem)
    assert font is not None
    return font


def _draw_block(draw: ImageDraw.ImageDraw, x: int, y: int, character: str, color: RGB) -> bool:
    """Draw box and block characters as shapes, so that they meet; False for every other character."""
    right, bottom = x + CELL_WIDTH - 1, y + CELL_HEIGHT - 1
    middle, centre = y + CELL_HEIGHT // 2, x + CELL_WIDTH // 2
    eighths = {"▏": 1, "▎": 2, "▍": 3, "▌": 4, "▋": 5, "▊": 6, "▉": 7, "█": 8}
    if character in eighths:
        draw.rectangle((x, y, x + CELL_WIDTH * eighths[character] // 8 - 1, bottom), fill=color)
    elif character in "▁▂▃▄▅▆▇":
        height = CELL_HEIGHT * ("▁▂▃▄▅▆▇".index(character) + 1) // 8
        draw.rectangle((x, y + CELL_HEIGHT - height, right, bottom), fill=color)
    elif character == "▀":
        draw.rectangle((x, y, right, middle - 1), fill=color)
    elif character == "━":
        draw.rectangle((x, middle - 1, right, middle), fill=color)
    elif character == "─":
        draw.line((x, middle, right, middle), fill=color)
    elif character == "╌":
        for start in (x, x + CELL_WIDTH // 2):
            draw.line((start, middle, start + 2, middle), fill=color)
    elif character in "│├└╰":
        draw.line((centre, y, centre, bottom if character in "│├" else middle), fill=color)
        if character != "│":
            draw.line((centre, middle, right, middle), fill=color)
    else:
        return False
    return True


def _rgb(color: Color | None, foreground: bool, base: RGB) -> RGB:
    if color is None or color.is_default:
        return (230, 230, 230) if foreground else base
    return tuple(color.get_truecolor(MONOKAI, foreground=foreground))


def _cells(app: TutorApp) -> Iterator[tuple[int, int, str, Style]]:
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        x = 0
        for text, style, control in strip:
            for character in "" if control else text:
                yield x, y, character, style or Style()
                x += cell_len(character)


def save(app: TutorApp, path: Path) -> None:
    """The screen as it is, as a PNG."""
    base = app.screen.styles.background.rgb
    width, height = app.size
    image = Image.new("RGB", (width * CELL_WIDTH + 2 * MARGIN, height * CELL_HEIGHT + 2 * MARGIN), base)
    draw = ImageDraw.Draw(image)
    for column, row, character, style in _cells(app):
        x, y = MARGIN + column * CELL_WIDTH, MARGIN + row * CELL_HEIGHT
        ink, ground = _rgb(style.color, True, base), _rgb(style.bgcolor, False, base)
        if style.reverse:
            ink, ground = ground, ink
        if style.dim:
            ink = tuple((a + b) // 2 for a, b in zip(ink, ground, strict=True))
        right = x + CELL_WIDTH * max(1, cell_len(character)) - 1
        draw.rectangle((x, y, right, y + CELL_HEIGHT - 1), fill=ground)
        if character.strip() and not _draw_block(draw, x, y, character, ink):
            font = _font_for(character, bool(style.bold), bool(style.italic))
            draw.text((x, y + CELL_HEIGHT - 6), character, font=font, fill=ink, anchor="ls")
        if style.underline:
            draw.line((x, y + CELL_HEIGHT - 3, right, y + CELL_HEIGHT - 3), fill=ink)
        if style.strike:
            draw.line((x, y + CELL_HEIGHT // 2, right, y + CELL_HEIGHT // 2), fill=ink)
    image.save(path)


# What to show: a size, a theme, and what is pressed before.


async def _settle(pilot: Pilot[int]) -> None:
    """Until nothing runs and everything is drawn."""
    bench = pilot.app.workbench  # type: ignore[attr-defined]
    while bench.runner.busy or bench.runner.session.state in ("starting", "busy", "stopping"):
        await pilot.pause(0.05)
    await pilot.pause(0.4)


async def _go_to(pilot: Pilot[int], step: str) -> None:
    walk = pilot.app.workbench.walk  # type: ignore[attr-defined]
    while walk.step.id != step:
        await pilot.press("f8")
        await _settle(pilot)


async def _run(pilot: Pilot[int]) -> None:
    await pilot.press("ctrl+r")
    await _settle(pilot)


async def shared_memory(pilot: Pilot[int]) -> None:
    """A run step with its notes, and a line at the prompt."""
    await _go_to(pilot, "same-input")
    await _run(pilot)
    bench = pilot.app.workbench  # type: ignore[attr-defined]
    bench.repl.focus()
    await pilot.press(*"v.stride()", "enter")
    await _settle(pilot)
    bench.editor.focus()
    await pilot.press("down", "down", "down", "end")


async def inspector(pilot: Pilot[int]) -> None:
    """The same, with the page turned to the inspector."""
    await shared_memory(pilot)
    await pilot.press("f2")


async def edited(pilot: Pilot[int]) -> None:
    """Notes that no longer hold."""
    await shared_memory(pilot)
    await pilot.press("0", "down", "enter")


async def error(pilot: Pilot[int]) -> None:
    """Code that raises."""
    await _go_to(pilot, "view-of-transpose")
    await pilot.press("1")
    bench = pilot.app.workbench  # type: ignore[attr-defined]
    bench.editor.text = "m = torch.arange(6.).view(2, 3)\nt = m.t()\nflat = t.view(6)\nprint(flat)"
    await _run(pilot)


async def predicting(pilot: Pilot[int]) -> None:
    """A prediction to be made."""
    await _go_to(pilot, "reshape-of-transpose")
    await pilot.press("down")


async def predicted(pilot: Pilot[int]) -> None:
    """A prediction beside the answer."""
    await predicting(pilot)
    await pilot.press("enter")
    await _run(pilot)


async def gradients(pilot: Pilot[int]) -> None:
    """A scratch page with a graph."""
    bench = pilot.app.workbench  # type: ignore[attr-defined]
    bench.editor.text = (
        "import torch\n\nx = torch.arange(6.).reshape(2, 3)\ny = x[:, 1]\nx[0, 1] = 9\n\n"
        "w = torch.ones(3, requires_grad=True)\nh = x @ w\nloss = (h - 1).pow(2).mean()\nloss.backward()\n"
    )
    await _run(pilot)
    bench.editor.focus()


SHOTS: dict[str, tuple[tuple[int, int], str, Act]] = {
    "120x36-dark": ((120, 36), "ink", shared_memory),
    "120x36-light": ((120, 36), "paper", shared_memory),
    "120x36-edited": ((120, 36), "ink", edited),
    "120x36-scratch": ((120, 36), "ink", gradients),
    "120x36-predict": ((120, 36), "ink", predicting),
    "120x36-predicted": ((120, 36), "paper", predicted),
    "80x24-dark": ((80, 24), "ink", shared_memory),
    "80x24-inspector": ((80, 24), "ink", inspector),
    "80x24-error": ((80, 24), "ink", error),
    "80x24-predict": ((80, 24), "ink", predicting),
    "60x18-dark": ((60, 18), "ink", shared_memory),
    "60x18-predict": ((60, 18), "ink", predicting),
}


async def shoot(folder: Path, names: list[str]) -> None:
    """Draw the named shots into `folder`, all with one kernel."""
    lesson = load_lesson(find_lesson("view-reshape"))
    session = Session(spare=False)
    session.spawn()
    try:
        for name in names:
            size, theme, act = SHOTS[name]
            with TemporaryDirectory() as home, Store.open(Path(home) / "tutor.db", patience=5) as store:
                app = TutorApp(session, store, None if act is gradients else lesson, theme=theme)
                async with app.run_test(size=size) as pilot:
                    await _settle(pilot)
                    await act(pilot)
                    await pilot.pause(0.3)
                    save(app, folder / f"{name}.png")
            print(folder / f"{name}.png")
    finally:
        await session.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit("usage: python docs/screenshots.py OUTDIR [NAME...]")
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(shoot(Path(sys.argv[1]), sys.argv[2:] or list(SHOTS)))
