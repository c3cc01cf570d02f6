"""The first screen of the first start: what this is, and one key into the first lesson."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Static

from tutor.session import Session
from tutor.translation import say, translated
from tutor.tui.commands import key_for
from tutor.tui.heading import Heading
from tutor.tui.lines import palette_of
from tutor.tui.sheet import Sheet
from tutor.view.palette import Palette
from tutor.view.words import device_named

#: Windows of fewer rows get the letters in one sentence, and no blank lines.
LOW = 24
_LETTERS_SHORT = "A letter is a piece of memory: same letter, same memory."
_LETTERS = (
    "A letter is a piece of memory. The same letter on two lines is the same memory, so a view "
    "looks like a view and a copy looks like a copy. Everything you type is kept."
)

#: Looks a second at how far the kernel is.
RATE = 5


class Welcome(Sheet[str | None]):
    """Answers the app's action to go on with: None for the lesson that lies underneath."""

    CSS_PATH = "chooser.tcss"
    BINDINGS = [
        Binding("enter,space,escape", "dismiss(None)", "Begin", show=False),
        Binding("f9", "dismiss('switch_bench')", "Scratch", show=False),
        Binding("ctrl+l", "dismiss('lessons')", "Lessons", show=False),
        Binding("ctrl+q,ctrl+c", "app.quit", "Quit", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._kernel = Heading("torchtutor", "")
        self._text = Static(id="welcome")

    def compose(self) -> ComposeResult:
        """One sheet."""
        with Vertical(id="sheet"):
            yield self._kernel
            yield self._text

    def on_mount(self) -> None:
        """The kernel warms up meanwhile, and it shows."""
        self._draw()
        self.set_interval(1 / RATE, self._look)
        self._look()

    def on_resize(self, event: events.Resize) -> None:
        """As much as there is room for."""
        self._draw()

    def _draw(self) -> None:
        self._text.update(welcome_text(palette_of(self.app.theme), low=self.app.size.height < LOW))

    def _look(self) -> None:
        info, state = self._session.info, self._session.state
        if info is not None:
            self._kernel.fact = say(
                "torch {version} on {device} is ready", version=info.torch, device=device_named(info.device)
            )
        else:
            self._kernel.fact = say("starting torch…") if state == "starting" else say("no kernel")

    def on_click(self, event: events.Click) -> None:
        """A click begins."""
        self.dismiss(None)


def welcome_text(palette: Palette, *, low: bool = False) -> Text:
    """What is to be known before the first lesson, in a few lines; in a `low` window in very few."""
    letters, gap = (translated(_LETTERS_SHORT), "\n") if low else (translated(_LETTERS), "\n\n")
    body, key = palette.foreground, f"bold {palette.accent}"
    first, second = (palette.hue(block) for block in (1, 2))
    return Text.assemble(
        (say("You run real torch code here, and see beside each line what it did.") + gap, body),
        ("  v = x.view(2, 3)     ", body), ("A", f"bold {first}"), (" [2, 3] f32 ", palette.label),
        (say("view of {base}", base="x") + "\n", f"italic {palette.muted}"),
        ("  c = x.clone()        ", body), ("B", f"bold {second}"), (" [6] f32" + gap, palette.label),
        (letters + gap, body),
        ("  enter", key), (f"   {say('begin with the first lesson')}\n", body),
        (f"  {key_for('scratch'):<5}", key), (f"   {say('a blank page to try things')}\n", body),
        (f"  {key_for('lessons'):<5}", key), (f"   {say('all lessons')}\n", body),
        (f"  {key_for('palette'):<5}", key), (f"   {say('all commands, wherever you are')}", body),
    )  # fmt: skip
