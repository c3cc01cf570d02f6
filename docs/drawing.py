"""What the compositor holds as a PNG, cell by cell, so that columns stay columns in every script."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style
from rich.terminal_theme import MONOKAI
from textual.geometry import Region

from docs.shown import shown_strips
from tutor.tui.app import TutorApp

CELL_WIDTH, CELL_HEIGHT, SIZE, MARGIN = 11, 24, 18, 14
#: Size of the characters that take two cells.
WIDE_SIZE = 20
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
    "NanumGothicCodingBold",
    "NanumGothicCoding-Bold",
    "NotoSansMonoCJK-Regular",
    "NotoSansCJK-Regular",
    "NotoSansKR-Regular",
    "UnDotum",
    "AppleSDGothicNeo",
    "DejaVuSansMono",
    "DejaVuSans",
)

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
def _load(stem: str, size: int = SIZE) -> ImageFont.FreeTypeFont | None:
    path = _font_files().get(stem)
    return ImageFont.truetype(str(path), size) if path is not None else None


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
        others = sorted(FALLBACKS, key=lambda name: bold != name.endswith("Bold"))
        stem = next((fallback for fallback in others if _has(fallback, character)), stem)
    font = _load(stem, WIDE_SIZE if cell_len(character) > 1 else SIZE)
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
    for y, strip in enumerate(shown_strips(app)):
        x = 0
        for text, style, control in strip:
            for character in "" if control else text:
                yield x, y, character, style or Style()
                x += cell_len(character)


def save(app: TutorApp, path: Path, part: Region | None = None) -> None:
    """The screen as it is, or a part of it, as a PNG."""
    base = app.screen.styles.background.rgb
    left, top, width, height = part if part is not None else (0, 0, *app.size)
    image = Image.new("RGB", (width * CELL_WIDTH + 2 * MARGIN, height * CELL_HEIGHT + 2 * MARGIN), base)
    draw = ImageDraw.Draw(image)
    for column, row, character, style in _cells(app):
        if not (left <= column < left + width and top <= row < top + height):
            continue
        x, y = MARGIN + (column - left) * CELL_WIDTH, MARGIN + (row - top) * CELL_HEIGHT
        ink, ground = _rgb(style.color, True, base), _rgb(style.bgcolor, False, base)
        if style.reverse:
            ink, ground = ground, ink
        if style.dim:
            ink = tuple((a + b) // 2 for a, b in zip(ink, ground, strict=True))
        right = x + CELL_WIDTH * max(1, cell_len(character)) - 1
        draw.rectangle((x, y, right, y + CELL_HEIGHT - 1), fill=ground)
        if character.strip() and not _draw_block(draw, x, y, character, ink):
            font = _font_for(character, bool(style.bold), bool(style.italic))
            room = CELL_WIDTH * max(1, cell_len(character))
            shift = max(0, round((room - font.getlength(character)) / 2)) if room > CELL_WIDTH else 0
            draw.text((x + shift, y + CELL_HEIGHT - 6), character, font=font, fill=ink, anchor="ls")
        if style.underline:
            draw.line((x, y + CELL_HEIGHT - 3, right, y + CELL_HEIGHT - 3), fill=ink)
        if style.strike:
            draw.line((x, y + CELL_HEIGHT // 2, right, y + CELL_HEIGHT // 2), fill=ink)
    image.save(path)
