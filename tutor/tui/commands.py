"""Every command once: its keys, its words, and where it is offered.

The screen's bindings, the key bar, the command palette and the help screen are all made
from `COMMANDS`. Keys that terminals, tmux or VS Code keep for themselves are not used: ctrl+b, ctrl+e,
ctrl+g, ctrl+k, ctrl+p, ctrl+s, ctrl+enter, F1, F3, F5, F10, F11. What has no key is in the palette.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.binding import Binding, BindingType
from textual.command import DiscoveryHit, Hit, Hits, Provider

from tutor.translation import translated

#: Textual calls shift with F2, F6, F7, F8 and F9 what terminals send for it: F14, F18, F19, F20 and F21.
_KEY_NAMES = {
    "ctrl+backslash": "^\\",
    "ctrl+underscore": "^/",
    "escape": "esc",
    "f18": "⇧f6",
    "f14": "⇧f2",
    "f19": "⇧f7",
    "f20": "⇧f8",
    "f21": "⇧f9",
    "f24": "⇧f12",
}


def key_name(key: str) -> str:
    """A key of Textual's as people read it: `^r`, `f2`, `^/`."""
    return _KEY_NAMES.get(key) or key.replace("ctrl+", "^").replace("shift+", "⇧")


@dataclass(frozen=True, slots=True)
class Command:
    """`action` is the screen's `action_…`; the key bar drops the highest `rank` first, None never shows."""

    action: str
    keys: tuple[str, ...]
    english_label: str
    english_help: str
    rank: int | None = None

    @property
    def label(self) -> str:
        """What the command is called, in the language that is spoken."""
        return translated(self.english_label)

    @property
    def help(self) -> str:
        """What it does."""
        return translated(self.english_help)

    @property
    def key_text(self) -> str:
        """The first key as the key bar writes it: `^r`, `f2`."""
        return key_name(self.keys[0]) if self.keys else ""


COMMANDS: tuple[Command, ...] = (
    Command("run", ("ctrl+r",), "Run", "Run the code in the editor.", 0),
    Command("check", ("ctrl+t",), "Check", "Run your code, and check what the exercise asks for.", 1),
    Command("hint", ("ctrl+n",), "Hint", "Show one hint more for this exercise.", 2),
    Command("solution", (), "Solution", "Show the solution of this exercise, after a question."),
    Command("fix", ("ctrl+y",), "Fix", "Write the code that the explanation offers in place of yours.", 1),
    Command(
        "why",
        ("f24", "shift+f12"),
        "Why",
        "What is behind this: the explanation in full, and the idea of its rule.",
        2,
    ),
    Command("stop", ("f4", "ctrl+c"), "Stop", "Stop the code that is running.", 1),
    Command(
        "step",
        ("f21", "shift+f9", "f17"),
        "Step",
        "Run the editor's code one statement at a time: the first, then the next.",
        1,
    ),
    Command(
        "earlier",
        ("f19", "shift+f7", "f15", "alt+up"),
        "Earlier",
        "Back in time: show everything as it was one statement earlier.",
        3,
    ),
    Command(
        "later",
        ("f20", "shift+f8", "f16", "alt+down"),
        "Later",
        "Forward in time, up to now.",
        3,
    ),
    Command("now", ("escape",), "Now", "Back to now from an earlier moment.", 0),
    Command("first", (), "First statement", "Show everything as it was after the first statement."),
    Command("restart", ("ctrl+backslash",), "Restart", "Start a new kernel; code and output stay.", 2),
    Command("leave", ("escape",), "Editor/prompt", "Go from the editor to the prompt, and back.", 9),
    Command("inspector", ("f2",), "Inspector", "Show or hide tensors, storage and graph.", 4),
    Command(
        "replay",
        ("f14", "shift+f2"),
        "Replay",
        "Record the gradients of backward passes, or stop recording them.",
    ),
    Command("previous", ("f7",), "Back", "Go to the previous step; your code is kept.", 8),
    Command("next", ("f8",), "Next", "Go to the next step; your code is kept.", 5),
    Command(
        "scratch",
        ("f9",),
        "Scratch",
        "Try things in a namespace of their own, and back.",
        6,
    ),
    Command("lessons", ("ctrl+l",), "Lessons", "Choose a lesson.", 7),
    Command("go", ("f6",), "Go to", "Go to any pane by its number.", 11),
    Command(
        "read_on",
        ("f18", "shift+f6"),
        "Read on",
        "Turn the page of the lesson's text; after its end comes its beginning.",
    ),
    Command("find", ("ctrl+f",), "Find", "Find in the editor, in output, or among what you entered."),
    Command("comment", ("ctrl+underscore",), "Comment", "Comment the lines, or take that back."),
    Command("docs", ("ctrl+d",), "Docs", "Signature and documentation of what is under the cursor."),
    Command("steps", (), "Steps", "Go to any step of the lesson, and see which are done."),
    Command("reset_code", (), "Reset code", "Put the step's own code back; yours is kept."),
    Command("versions", (), "Earlier versions", "Code of yours that was reset, or from another window."),
    Command("device", (), "Device", "Choose the device; the kernel restarts on it."),
    Command("theme", (), "Theme", "Choose the colours: dark, light, or the terminal's own."),
    Command("export_graph", (), "Export graph", "Write the graph that is shown to a file: DOT, text or SVG."),
    Command("progress", (), "Progress", "How far you are in all lessons, and when you were there."),
    Command("take_lesson", (), "Export lesson", "Write the lesson, with your code, as .py or .ipynb."),
    Command("take_session", (), "Export session", "Write what you ran since you began, as .py or .ipynb."),
    Command("clear_output", (), "Clear output", "Empty the output."),
    Command("help", ("f12",), "Help", "Show all keys.", 10),
    Command("quit", ("ctrl+q",), "Quit", "End torchtutor.", 12),
    Command("palette", ("ctrl+o",), "Commands", "Search all commands by name.", 3),
)

_BY_ACTION = {command.action: command for command in COMMANDS}


def command_for(action: str) -> Command:
    """The command with this action; KeyError where there is none."""
    return _BY_ACTION[action]


def key_for(action: str) -> str:
    """The key to name in a sentence: `^r`."""
    return command_for(action).key_text


def bindings() -> list[BindingType]:
    """Bindings of all commands. They win over the focused widget wherever the command is offered.

    All but stop wait until the focused widget has taken the keys that were pressed before."""
    return [
        Binding(",".join(command.keys), _in_turn(command), command.english_label, show=False, priority=True)
        for command in COMMANDS
        if command.keys
    ]


def _in_turn(command: Command) -> str:
    return command.action if command.action == "stop" else f"in_turn('{command.action}')"


class CommandProvider(Provider):
    """The commands in the palette, with their keys; only those that can be used now."""

    def _offered(self) -> list[Command]:
        check = self.screen.check_action
        return [c for c in COMMANDS if c.action not in ("palette", "leave") and check(c.action, ())]

    def _label(self, command: Command) -> str:
        """What the screen calls the command now."""
        label: Callable[[Command], str] | None = getattr(self.screen, "label", None)
        return label(command) if label is not None else command.label

    def _call(self, command: Command):
        return lambda: self.screen.run_action(command.action)

    def _title(self, command: Command) -> str:
        return f"{self._label(command)}  {command.key_text}".rstrip()

    async def discover(self) -> Hits:
        """All commands, before anything is typed."""
        for command in self._offered():
            yield DiscoveryHit(self._title(command), self._call(command), help=command.help)

    async def search(self, query: str) -> Hits:
        """The commands that match `query`, in the language that is spoken or in English."""
        matcher = self.matcher(query)
        for command in self._offered():
            label = self._label(command)
            score = matcher.match(label)
            if score > 0:
                yield Hit(score, matcher.highlight(label), self._call(command), help=command.help)
            elif (score := matcher.match(command.english_label)) > 0:  # by the name that documents give it
                yield Hit(score, label, self._call(command), help=command.help)
