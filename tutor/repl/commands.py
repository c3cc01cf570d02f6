"""What can be asked for besides running code: each command once, with its name, its words, what it does."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from tutor.explain.book import NoPageError, all_pages, find_page
from tutor.explain.verdicts import say as said_of_operation
from tutor.facts import SIMULATED, GraphFacts, is_simulated
from tutor.language import current_language
from tutor.repl.out import PALETTE
from tutor.repl.pieces import COMMAND
from tutor.translation import say, translated
from tutor.view.devices import held_word, transfer_word
from tutor.view.operations import OperationLines, rows_of
from tutor.view.palette import letter
from tutor.view.prose import render_prose
from tutor.view.replay import pass_lines, title_of
from tutor.view.strips import Ranges, storage_strips
from tutor.view.table import aligned, headings, sharing_sentence, tensor_rows
from tutor.view.tree import graph_lines
from tutor.view.words import clean, device_named

if TYPE_CHECKING:
    from tutor.repl.conversation import Conversation

#: Rows of the tensor table, the newest, and lines of a graph.
ROWS, GRAPH_LINES = 200, 200
#: Cells of a line of a replay.
REPLAY_WIDTH = 80


class Refused(Exception):
    """The command cannot do what was asked; the text is one sentence."""


@dataclass(frozen=True)
class Command:
    """`argument` is how help writes it: "" none, NAME needed, [NAME] if wanted."""

    name: str
    argument: str
    english_help: str
    run: Callable[[Conversation, str], Awaitable[None]]

    @property
    def help(self) -> str:
        """What it does, in the language that is spoken."""
        return translated(self.english_help)

    @property
    def usage(self) -> str:
        return f"{COMMAND}{self.name} {self.argument}".rstrip()


async def obey(conversation: Conversation, text: str) -> None:
    """Run the command in `text`. Refused when there is none of that name, or it gets the wrong argument."""
    name, _, argument = text.strip().removeprefix(COMMAND).strip().partition(" ")
    command = next((command for command in conversation.commands if command.name == name), None)
    if command is None:
        raise Refused(say("There is no command :{name}: :help lists them.", name=clean(name)))
    argument = argument.strip()
    is_needed = bool(command.argument) and not command.argument.startswith("[")
    if (argument and not command.argument) or (is_needed and not argument):
        raise Refused(say("Write it so: {usage}", usage=command.usage))
    await command.run(conversation, argument)


async def _help(conversation: Conversation, _: str) -> None:
    out = conversation.out
    out.line(translated("Type Python; a block ends with an empty line. Commands:"))
    width = max(len(command.usage) for command in conversation.commands)
    for command in conversation.commands:
        out.entry(f"  {command.usage:<{width}}  ", command.help)
    out.line(translated("Keys:"))
    for key, help_text in conversation.reader.keys:
        out.entry(f"  {key:<{width}}  ", translated(help_text))


async def _table(conversation: Conversation, _: str) -> None:
    out, snapshot = conversation.out, conversation.session.snapshot
    rows = tensor_rows(snapshot, (), PALETTE)
    if not rows:
        out.say(translated("There are no tensors yet."))
        return
    hidden = len(rows) + snapshot.unshown - len(rows[-ROWS:])
    if hidden:
        out.line(say("… and {hidden:,} more, older ones", hidden=hidden))
    titles = [Text(heading, PALETTE.muted) for heading in headings()]
    for line in aligned([titles, *(row.cells for row in rows[-ROWS:])], out.width):
        out.line(line)
    for group in snapshot.sharing:
        out.line(sharing_sentence(group))


async def _storage(conversation: Conversation, _: str) -> None:
    out, snapshot = conversation.out, conversation.session.snapshot
    if not snapshot.storages:
        out.say(say("No tensor has memory yet."))
        return
    for line in storage_strips(snapshot, PALETTE, out.width, truecolor=False).split("\n"):
        out.line(line)
    for storage in sorted(snapshot.storages.values(), key=lambda storage: storage.block):
        if storage.written:
            out.line(_written(storage.block, storage.written))
    if conversation.last is not None and conversation.last.device is not None:
        out.line(held_word(conversation.last.device))


def _written(block: int, ranges: Ranges) -> str:
    """Which elements the last statement wrote, in words for who cannot see which cells are bright."""
    words = [
        str(start) if stop == start + 1 else say("{first} to {last}", first=start, last=stop - 1)
        for start, stop in ranges[:8]
    ]
    written, more = ", ".join(words), len(ranges) - 8
    if more > 0:
        written = say("{ranges} and {more:,} more ranges", ranges=written, more=more)
    return say("{block}: the last statement wrote {ranges}", block=letter(block), ranges=written)


async def _operations(conversation: Conversation, _: str) -> None:
    out, step = conversation.out, conversation.last
    rows = rows_of(step) if step is not None else []
    if step is None or not rows:
        out.say(say("The last statement ran no operation of torch."))
        return
    drawn = OperationLines(rows, step.snapshot, said_of_operation, PALETTE, out.width)
    for line in drawn.lines(frozenset(row.key for row in rows)):
        out.line(line.text)
    for transfer in step.transfers:
        out.line(transfer_word(transfer))
    if step.unwatched:
        out.say(say("A part of it ran too often to be watched: the counts are least counts."))


async def _replay(conversation: Conversation, wish: str) -> None:
    out, session, step = conversation.out, conversation.session, conversation.replayable
    if wish in ("on", "off"):
        session.replay = wish == "on"
        out.say(
            say("Backward passes are recorded from now on.")
            if session.replay
            else say("Backward passes are no longer recorded.")
        )
        return
    if wish:
        raise Refused(say("Write it so: :replay, :replay on, or :replay off"))
    if step is None:
        out.say(say("No backward pass was recorded yet."))
        return
    for at, backward in enumerate(step.backwards):
        if at:
            out.line("")
        out.line(title_of(backward))
        for line in pass_lines(backward, step.snapshot, PALETTE, min(out.width, REPLAY_WIDTH)):
            out.line(line)


async def _graph(conversation: Conversation, name: str) -> None:
    session = conversation.session
    facts = session.snapshot.tensors.get(name)
    if facts is None:
        raise Refused(say("There is no tensor named {name}: :table lists them.", name=clean(name)))
    if facts.grad_fn is None:
        raise Refused(say("{name} has no grad_fn: nothing was recorded that leads to it.", name=clean(name)))
    graph = (await session.graphs([name])).get(name, GraphFacts())
    for line in graph_lines(graph, session.snapshot, PALETTE, conversation.out.width, limit=GRAPH_LINES):
        conversation.out.line(line)


async def _why(conversation: Conversation, _: str) -> None:
    if not conversation.explained:
        conversation.out.say(say("Nothing was explained yet."))
        return
    _page(conversation, conversation.explained)


async def _explain(conversation: Conversation, rule: str) -> None:
    if rule:
        _page(conversation, rule)
        return
    pages = all_pages()
    width = max(len(page.rule) for page in pages)
    for page in pages:
        conversation.out.line(f"{page.rule:<{width}}  {page.title}")


def _page(conversation: Conversation, rule: str) -> None:
    """The idea behind a rule."""
    out = conversation.out
    try:
        page = find_page(rule, lister=f"{COMMAND}explain")
    except NoPageError as problem:
        raise Refused(str(problem)) from None
    out.page(render_prose(page.text, PALETTE, quoted=not out.colour))


async def _device(conversation: Conversation, name: str) -> None:
    info = conversation.session.info
    if name:
        known = (
            {"auto", SIMULATED, *info.available, *(device.partition(":")[0] for device in info.available)}
            if info
            else {name}
        )
        if name not in known:
            raise Refused(
                say(
                    "There is no device {name} here: use {known}.",
                    name=clean(name),
                    known=", ".join(sorted(known)),
                )
            )
        await conversation.restart(name)
    elif info is not None:
        others = [device for device in info.available if device != info.device]
        others += [] if is_simulated(info.device) else [say("{device}, which is simulated", device=SIMULATED)]
        told = {"device": device_named(info.device), "torch": info.torch}
        if not others:
            conversation.out.say(say("Device {device}, torch {torch}; there is no other.", **told))
            return
        *most, last = others
        also = say("{some} and {other}", some=", ".join(most), other=last) if most else last
        conversation.out.say(say("Device {device}, torch {torch}; there is also {also}.", **told, also=also))


async def _restart(conversation: Conversation, _: str) -> None:
    await conversation.restart()


async def _reset(conversation: Conversation, _: str) -> None:
    await conversation.session.reset()
    conversation.out.say(translated("The namespace is empty."))


async def _export(conversation: Conversation, name: str) -> None:
    """What ran so far, to a file that is not there yet."""
    conversation.out.say(say("Written to {path}.", path=clean(str(_written_to(conversation, name)))))


def _written_to(conversation: Conversation, name: str) -> Path:
    from tutor.export import ExportError, write
    from tutor.takeaway import pieces_file

    path = Path(name).expanduser()
    try:
        lesson = conversation.study.walk.lesson if conversation.study is not None else None
        write(path, pieces_file(conversation.ran, path.name, lesson))
    except FileExistsError:
        raise Refused(say("{name} is there already: choose another name.", name=clean(name))) from None
    except ExportError as error:
        raise Refused(clean(str(error))) from None
    return path


async def _progress(conversation: Conversation, _: str) -> None:
    from tutor.course.loader import readable_lessons
    from tutor.course.progress import as_text, course_progress
    from tutor.course.store import Store

    if conversation.study is not None:
        conversation.study.store.flush()
    with Store.open(patience=5) as store:
        text = as_text(course_progress(store, readable_lessons(current_language())), time.time())
    for line in text.split("\n"):
        conversation.out.line(line)


async def _quit(conversation: Conversation, _: str) -> None:
    conversation.done = True


COMMANDS: tuple[Command, ...] = (
    Command("help", "", "List the commands and keys.", _help),
    Command("table", "", "All tensors: letter of the memory, name, shape, dtype, stride, grad.", _table),
    Command(
        "storage", "", "Each block of memory, its values, and which of them every name covers.", _storage
    ),
    Command("operations", "", "What the last statement did: views, copies, writes in place.", _operations),
    Command(
        "replay", "[on|off]", "The last backward pass, node by node; whether they are recorded.", _replay
    ),
    Command("graph", "NAME", "The autograd graph behind a tensor.", _graph),
    Command("why", "", "The idea behind what was explained last, with an example.", _why),
    Command("explain", "[RULE]", "The idea behind a rule; without RULE, all of them.", _explain),
    Command("export", "FILE", "Write what ran so far as a script (.py) or a notebook (.ipynb).", _export),
    Command("progress", "", "How far you are in all lessons, and when you were there.", _progress),
    Command("device", "[NAME]", "Say which device is used, or restart the kernel on another.", _device),
    Command("restart", "", "Start a new kernel; its namespace is empty.", _restart),
    Command("reset", "", "Empty the namespace; the kernel stays.", _reset),
    Command("quit", "", "End torchtutor.", _quit),
)
