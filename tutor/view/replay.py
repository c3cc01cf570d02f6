"""A recorded backward pass, one node at a time: what came in, the rule, what went out, what it fills."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from tutor.facts import BackwardFacts, GradientFacts, LeafGradient, NodeFacts, PassedNode, Snapshot
from tutor.translation import later, parted, say
from tutor.view.marks import name_style
from tutor.view.palette import Palette
from tutor.view.reasons import reason_words
from tutor.view.words import clean, fit, pad, shape_word

if TYPE_CHECKING:
    from tutor.view.derivatives import Derivative

#: Cells of the margin, and lines that the values of one gradient may take.
MARGIN = 10
LINES = 2
#: Elements up to which `.grad` is told as a sum.
SUMMED = 12


def count(backward: BackwardFacts) -> int:
    """How many places a replay can stop at."""
    return len(backward.nodes)


def name_at(backward: BackwardFacts, at: int) -> str:
    """The learner's name of what is reached there; empty where there is none."""
    return backward.nodes[at].variable or "" if 0 <= at < len(backward.nodes) else ""


def node_at(backward: BackwardFacts, at: int) -> int | None:
    """The number of the node there, as graphs have it."""
    return backward.nodes[at].node if 0 <= at < len(backward.nodes) else None


def title_of(backward: BackwardFacts) -> str:
    """Where the pass was started, and which of how many it is: `line 5 · pass 2 of 1,500`."""
    line = say("an earlier input") if backward.elsewhere else say("line {line}", line=backward.line)
    if backward.hits <= 1:
        return line
    return f"{line} · {say('pass {n:,} of {count:,}', n=backward.hit, count=backward.hits)}"


def rule_of(node: PassedNode, inputs: Sequence[str]) -> Derivative | None:
    """The rule by which a node made its outgoing gradients of the incoming one."""
    slots = tuple(at for at, follower in enumerate(node.followers) if follower is not None)
    facts = NodeFacts(str(node.node), node.name, node.variable, (), node.saved, slots=slots)
    from tutor.view.derivatives import derivative  # with all rules: not before one is asked for

    return derivative(facts, inputs, node.variable or "")


def replay_lines(
    backward: BackwardFacts, at: int, snapshot: Snapshot, palette: Palette, room: int
) -> list[Text]:
    """The pass with its node `at`, in lines of at most `room` cells."""
    return list(_Drawing(backward, at, snapshot, palette, max(24, room)).lines())


def pass_lines(
    backward: BackwardFacts, snapshot: Snapshot, palette: Palette, room: int, most: int = 60
) -> list[Text]:
    """The whole pass, `most` of its nodes at most, one under the other."""
    drawings = [
        _Drawing(backward, at, snapshot, palette, max(24, room)) for at in range(min(most, count(backward)))
    ]
    lines = list(_Drawing(backward, 0, snapshot, palette, max(24, room)).head(alone=False))
    for drawing in drawings:
        lines += [Text(), *drawing.node()]
    if count(backward) > most:
        more = say("… and {count:,} more nodes", count=count(backward) - most)
        lines += [Text(), Text(more, palette.muted)]
    return [*lines, *_Drawing(backward, count(backward), snapshot, palette, max(24, room)).foot()]


class _Drawing:
    def __init__(
        self, backward: BackwardFacts, at: int, snapshot: Snapshot, palette: Palette, room: int
    ) -> None:
        self._backward, self._snapshot, self._palette, self._room = backward, snapshot, palette, room
        self._at = max(0, min(at, len(backward.nodes) - 1))
        self._names = {node.node: node.variable or _bare(node.name) for node in backward.nodes}

    def lines(self) -> Iterator[Text]:
        """One node, and how far the pass has gone with it."""
        yield from self.head()
        if self._backward.nodes:
            yield self._progress()
            yield from self.node()
        yield from self.foot()

    def head(self, *, alone: bool = True) -> Iterator[Text]:
        """What began the pass, and which of its nodes is shown `alone`."""
        backward, palette = self._backward, self._palette
        total = len(backward.nodes)
        place = say("node {n} of {count}", n=self._at + 1, count=total) + "  "
        line = Text(place if total and alone else "", palette.muted)
        code = clean(backward.expression or backward.call)
        yield line.append(fit(code, self._room - line.cell_len), palette.foreground)
        if backward.unread is not None:
            words = say("Not recorded: {reason}.", reason=reason_words(backward.unread))
            yield from self._wrapped(words, palette.muted, 0)

    def foot(self) -> Iterator[Text]:
        """What is not shown, and where the pass failed."""
        backward, palette = self._backward, self._palette
        if backward.omitted:
            words = say(
                "Not looked at: up to {count:,} nodes more, beyond the budget.", count=backward.omitted
            )
            yield from self._wrapped(words, palette.muted, 0)
        if backward.error is not None and self._at + 1 >= len(backward.nodes):
            yield from self._wrapped(
                say("✗ It stopped here. {error}", error=clean(backward.error)), palette.error, 0
            )

    def _progress(self) -> Text:
        """A hairline, as far accented as the replay has gone."""
        done = max(1, round(self._room * (self._at + 1) / len(self._backward.nodes)))
        line = Text("━" * done, self._palette.accent)
        return line.append("─" * (self._room - done), self._palette.rule)

    # ── one node ─────────────────────────────────────────────────────────────

    def node(self) -> Iterator[Text]:
        """What came in, the rule, what went out, and what it fills or frees."""
        node = self._backward.nodes[self._at]
        yield self._title(node)
        for at, gradient in enumerate(node.incoming):
            label = say("in {n}", n=at if len(node.incoming) > 1 else "").rstrip()
            yield from self._gradient(label, gradient)
        yield from self._rule(node)
        for follower, gradient in zip(node.followers, node.outgoing, strict=False):
            if follower is not None:
                yield from self._gradient(self._names.get(follower, "…"), gradient, arrow=True)
        if node.name == "AccumulateGrad" and not self._is_result(node):
            for leaf in self._backward.leaves:
                if leaf.name == node.variable and (leaf.name or len(self._backward.leaves) == 1):
                    yield from self._filled(leaf)
        if node.node in self._backward.freed:
            words = fit(say("what it had saved"), self._room - MARGIN)
            yield self._margin(say("frees")).append(words, self._palette.muted)

    def _title(self, node: PassedNode) -> Text:
        """The node, and the learner's name of what it made, fills, or was asked for."""
        palette = self._palette
        line = Text(fit(clean(node.name), self._room), f"bold {palette.foreground}")
        if node.variable:
            name = clean(node.variable)
            template = later("made {name}")
            if self._is_result(node):
                template = later("asked for {name}")
            elif node.name == "AccumulateGrad":
                template = later("fills {name}")
            before, after = parted(template, name)
            line.append(f"  {before}", palette.muted).append(name, self._style(node.variable))
            line.append(after, palette.muted)
        line.truncate(self._room, overflow="ellipsis")
        return line

    def _is_result(self, node: PassedNode) -> bool:
        """Whether `autograd.grad` was asked for this gradient: nothing goes on from here."""
        return self._backward.call == "grad" and not any(node.outgoing)

    def _rule(self, node: PassedNode) -> Iterator[Text]:
        if node.name == "AccumulateGrad" or self._is_result(node):
            return
        inputs = [self._input(follower) for follower in node.followers if follower is not None]
        rule = rule_of(node, inputs)
        if rule is None:
            return
        for at, formula in enumerate(rule.formulas):
            line = self._margin("" if at else say("rule"))
            yield line.append(fit(formula, self._room - MARGIN), self._palette.secondary)
        if not rule.formulas:
            yield from self._margined(say("rule"), clean(rule.words), f"italic {self._palette.muted}")
        else:
            yield from self._wrapped(clean(rule.words), f"italic {self._palette.muted}", MARGIN)

    def _input(self, follower: int) -> str:
        """A name for what an edge leads to, where the learner has one."""
        node = next((one for one in self._backward.nodes if one.node == follower), None)
        return node.variable or "" if node is not None else ""

    def _gradient(self, label: str, gradient: GradientFacts | None, *, arrow: bool = False) -> Iterator[Text]:
        line = self._margin(("→ " if arrow else "") + clean(label))
        if gradient is None:
            yield line.append(say("none"), self._palette.muted)
            return
        shape = shape_word(gradient.shape) if gradient.shape is not None else "?"
        line.append(shape, self._palette.label)
        values = _values(gradient)
        if gradient.partial and gradient.norm is not None:
            values += f"  norm {gradient.norm:.4g}"
        style = self._palette.warning if gradient.broken else self._palette.number
        if cell_len(values) + line.cell_len + 1 <= self._room:
            yield line.append(f" {values}".rstrip(), style)
            return
        yield line
        yield from self._wrapped(values, style, MARGIN, LINES)

    def _filled(self, leaf: LeafGradient) -> Iterator[Text]:
        """`w.grad` before and after, as a sum where that is short."""
        palette, name = self._palette, clean(leaf.name or say("the leaf"))
        held, given, holds = leaf.held, leaf.gradient, leaf.holds
        after = _values(holds) if holds is not None else ""
        if leaf.before is None:
            words = say("{name}.grad was None, is {after}", name=name, after=after or say("this gradient"))
        elif held is not None and given is not None and holds is not None and len(holds.values) <= SUMMED:
            total = f"{_values(held)} + {_values(given)} = {after}"
            words = say("{name}.grad was {total}", name=name, total=total)
        else:
            words = say("{name}.grad held one already: this one is added", name=name)
        yield from self._margined(say("fills"), words, palette.foreground)
        if leaf.passes is not None and leaf.passes > 1:
            words = say("{count:,} passes are added up in it since it was None or zero", count=leaf.passes)
            yield from self._wrapped(words, palette.warning, MARGIN)

    # ── drawing ──────────────────────────────────────────────────────────────

    def _style(self, name: str) -> Style:
        facts = self._snapshot.tensors.get(name)
        if facts is None:
            return Style.parse(f"bold {self._palette.foreground}")
        return name_style(name, facts.block, self._palette)

    def _margin(self, label: str) -> Text:
        return Text(pad(fit(label, MARGIN - 1), MARGIN), self._palette.label)

    def _margined(self, label: str, words: str, style: str) -> Iterator[Text]:
        for at, line in enumerate(self._wrapped(words, style, MARGIN)):
            yield self._margin(label).append_text(line[MARGIN:]) if at == 0 else line

    def _wrapped(self, words: str, style: str, indent: int, most: int = 6) -> Iterator[Text]:
        room = max(10, self._room - indent)
        lines: list[str] = [""]
        for word in words.split():
            if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(word) > room:
                lines.append("")
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else fit(word, room)
        for at, line in enumerate(lines[:most]):
            cut = at == most - 1 and len(lines) > most
            yield Text(" " * indent).append(fit(line + " …", room) if cut else line, style)


def _bare(name: str) -> str:
    """`Mul` of `MulBackward0`."""
    return name.rstrip("0123456789").removesuffix("Backward") or name


def _values(gradient: GradientFacts) -> str:
    """`[1. 2. 3.]`, `[1. 2. …]`; of one element the number alone."""
    if not gradient.values:
        return "" if gradient.norm is None else f"norm {gradient.norm:.4g}"
    if gradient.shape == ():
        return gradient.values[0]
    return "[" + " ".join(gradient.values) + (" …]" if gradient.partial else "]")
