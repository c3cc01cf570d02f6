"""Which earlier moment the screen shows, and what was to be said of it."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from tutor.translation import later, say
from tutor.tui.commands import key_for
from tutor.tui.lines import LinesView, wrap
from tutor.tui.panels.drawn import Drawn
from tutor.tui.panels.shown import Shown
from tutor.view.prose import mark_code
from tutor.view.words import clean, fit

#: Lines of the statement's source.
SOURCE = 2
#: The keys that lead away from a moment, by their commands.
KEYS = (("earlier", later("back")), ("later", later("forward")), ("now", later("now")))


class MomentPanel(Drawn):
    """Hidden while the screen shows what is."""

    def __init__(self) -> None:
        self._lines = LinesView(id="moment")
        super().__init__(later("moment"), self._lines)

    def draw(self, shown: Shown) -> None:
        """The statement, its result, its explanations, and the keys that lead away from here."""
        self.display = shown.past is not None
        if shown.past is None:
            return
        moment, palette, room = shown.past.moment, self.palette, self.room
        step = moment.step
        self.heading.fact = moment.place
        lines: list[Text] = []
        source = step.source.split("\n")
        for at, line in enumerate(source[:SOURCE]):
            mark = "▸ " if at == 0 else "  "
            text = Text(mark, f"bold {palette.accent}")
            lines.append(text.append(fit(clean(line), room - 2), Style.parse(palette.foreground)))
        if len(source) > SOURCE:
            more = len(source) - SOURCE
            words = say("… and {count} line more" if more == 1 else "… and {count} lines more", count=more)
            lines.append(Text("  " + words, palette.muted))
        if step.result is not None:
            lines.append(Text(fit(f"= {clean(step.result)}", room), palette.label))
        if step.error is not None:
            lines += wrap(Text(f"✗ {step.error.type}: {clean(step.error.message)}", palette.error), room)
        for each in shown.past.explanations:
            title = mark_code(Text(clean(each.title), f"bold {palette.foreground}"), palette)
            text = mark_code(Text(clean(each.text), palette.label), palette)
            lines += [*wrap(title, room), *wrap(text, room)]
        if moment.is_oldest_kept:
            lines.append(Text(fit(say("What ran before this is no longer kept."), room), palette.muted))
        lines.append(Text())
        keys = Text()
        for action, word in KEYS:
            keys.append(f"{key_for(action)} ", f"bold {palette.accent}").append(
                f"{say(word)}  ", palette.label
            )
        self._lines.show_lines([*lines, keys])
