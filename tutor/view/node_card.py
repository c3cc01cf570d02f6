"""All that is known of one node of a graph: its rule, what it saved, what would go wrong, who made it."""

from __future__ import annotations

from functools import reduce

from rich.cells import cell_len
from rich.text import Text

from tutor.facts import GraphOutline, NodeFacts, Shape
from tutor.translation import say
from tutor.view.derivatives import derivative
from tutor.view.palette import Palette
from tutor.view.words import clean, dtype_word, fit, line_word, shape_word

#: Saved values that are told one by one.
MAX_SAVED = 8


def card_lines(
    outline: GraphOutline, index: int, node: NodeFacts | None, palette: Palette, width: int
) -> list[Text]:
    """Lines of at most `width` cells; `node` is None until it has been read."""
    lines = [_title(outline, index, node, palette, width)]
    if node is None:
        return lines
    if node.overwritten:
        words = say("✗ Backward would fail here: {saved} was changed in place since.", saved=_which(node))
        lines += _wrapped(words, palette.error, width)
    if node.freed:
        words = say(
            "✗ A backward pass freed what it saved: another one fails here. retain_graph=True keeps it."
        )
        lines += _wrapped(words, palette.warning, width)
    rule = derivative(node, _inputs(outline, index), _name_at(outline, index))
    if rule is not None:
        lines += [line for text in rule.formulas for line in _wrapped(text, palette.primary, width, hang=4)]
        lines += _wrapped(rule.words, palette.foreground, width)
    elif node.name != "AccumulateGrad":
        lines += _wrapped(say("Its rule is code of its own: what it saved is below."), palette.label, width)
    saved = _saved(node)
    if saved:
        lines += _wrapped(say("saved: {values}", values=", ".join(saved)), palette.label, width, hang=7)
    if node.hooks:
        hooks = say("hooks: {names}", names=", ".join(map(clean, node.hooks)))
        lines += _wrapped(hooks, palette.label, width, hang=7)
    return lines


def _title(outline: GraphOutline, index: int, node: NodeFacts | None, palette: Palette, width: int) -> Text:
    line = Text(clean(outline.name(index)), f"bold {palette.foreground}")
    if node is not None and node.outputs and any(shape for shape in node.outputs):
        line.append(f" → {' '.join(_shape(shape) for shape in node.outputs[:4])}", palette.label)
    if node is not None and node.origin is not None:
        origin = node.origin
        code = clean(origin.expression)
        if origin.within:
            code = say("{code} inside {within}", code=code, within=clean(origin.within))
        line.append(f"  {line_word(origin)}: ", palette.muted)
        line.append(code, palette.label)
    line.truncate(max(1, width), overflow="ellipsis")
    return line


def _shape(shape: Shape | None) -> str:
    return "?" if shape is None else shape_word(shape)


def _name_at(outline: GraphOutline, index: int) -> str:
    return outline.variables.get(index) or next(iter(outline.tensors.get(index, ())), "")


def _inputs(outline: GraphOutline, index: int) -> list[str]:
    return [_name_at(outline, follower) for follower in outline.followers[index]]


def _which(node: NodeFacts) -> str:
    """Which of the saved tensors was written into."""
    refused = [name for name, value in node.saved.items() if isinstance(value, dict) and "modified" in value]
    names = [say("its saved {name}", name=clean(name)) for name in refused if name != "tensors"]
    if not names:
        return say("a tensor that it saved")
    return reduce(lambda first, last: say("{first} and {last}", first=first, last=last), names)


def _saved(node: NodeFacts) -> list[str]:
    words = [f"{clean(name)} {_value(value)}" for name, value in node.saved.items() if value is not None]
    rest = len(words) - MAX_SAVED
    return [*words[:MAX_SAVED], say("{count} more", count=rest)] if rest > 1 else words


def _value(value: object) -> str:
    """A saved value in short words."""
    match value:
        case {"freed": True}:
            return say("(freed)")
        case {"modified": True}:
            return say("(overwritten)")
        case {"hooked": True}:
            return say("(behind a saved-tensor hook)")
        case {"value": number}:
            return str(number)
        case {"shape": [*shape], "dtype": str(dtype)}:
            return f"[{', '.join(map(str, shape))}] {dtype_word(dtype)}"
        case {"unread": str(reason)}:
            return say("(not read: {reason})", reason=clean(reason))
        case dict():
            return say("(not read)")
        case list():
            return f"({', '.join(map(_value, value))})"
        case float():
            return f"{value:.6g}"
    return fit(clean(str(value)), 40)


def _wrapped(text: str, style: str, width: int, hang: int = 2) -> list[Text]:
    """`text` broken between words; what follows the first line is indented by `hang`."""
    lines: list[Text] = []
    words, indent = text.split(" "), ""
    line = ""
    for word in words:
        longer = f"{line} {word}" if line.strip() else f"{line}{word}"
        if line.strip() and cell_len(longer) > width:
            lines.append(Text(fit(line, width), style))
            indent = " " * min(hang, width // 4)
            longer = indent + word
        line = longer
    return [*lines, Text(fit(line, width), style)]
