"""The command line. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from tutor import __version__
from tutor.manual import Group, Option, language_option
from tutor.opening import STORE_PATIENCE, open_app, open_lesson_lines, open_lines, open_preview
from tutor.translation import say, translated

if TYPE_CHECKING:
    from rich.text import Text

option = partial(click.option, cls=Option)

_DEVICE_HELP = "auto (cuda, then mps, then cpu), cpu, cuda, cuda:N, mps, or sim (simulated, on the CPU)."
_MEMORY_HELP = "Memory that the kernel may take: auto (80 % of what is free), off, or a number of GiB."


def _check_device(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    kind, colon, index = (value or "auto").partition(":")
    known = kind in ("auto", "cpu", "cuda", "mps", "sim")
    if not known or (colon and not (kind == "cuda" and index.isdecimal()) and value != "sim:0"):
        names = translated(_DEVICE_HELP)
        raise click.BadParameter(say("`{value}` is no device name: use {names}", value=value, names=names))
    return value


def _check_memory(_: click.Context, __: click.Parameter, value: str) -> str:
    if value in ("auto", "off"):
        return value
    try:
        if 0 < float(value) < 1e6:
            return value
    except ValueError:
        pass
    sentence = say("`{value}` is no amount: use auto, off, or a number of GiB such as 4.", value=value)
    raise click.BadParameter(sentence)


#: Columns of prose, however wide the terminal.
_PROSE = 76

device_option = option(
    "--device", default="auto", show_default=True, callback=_check_device, help=_DEVICE_HELP
)
memory_option = option(
    "--memory", default="auto", show_default=True, callback=_check_memory, help=_MEMORY_HELP
)


spare_option = option(
    "--spare/--no-spare",
    default=True,
    show_default=True,
    help="Keep a second kernel warm (about 210 MB), so that a restart is immediate.",
)


@click.group(cls=Group, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="torchtutor", cls=Option, help="Show the version and exit.")
@device_option
@memory_option
@spare_option
@language_option
@click.pass_context
def main(context: click.Context, device: str, memory: str, spare: bool) -> None:
    """A terminal tutor for PyTorch: run code, and see beside each line what it did.

    Without a command, opens the app at the first lesson."""
    if context.invoked_subcommand is None:
        sys.exit(open_app(None, scratch=False, device=device, memory=memory, spare=spare))


@main.command()
@click.argument("lesson")
@option("--plain", is_flag=True, help="Line mode: text only, for any terminal, screen reader or pipe.")
@device_option
@memory_option
@spare_option
@language_option
def lesson(lesson: str, plain: bool, device: str, memory: str, spare: bool) -> None:
    """Open the app at LESSON: the id of a bundled lesson, or a YAML file."""
    if plain:
        sys.exit(open_lesson_lines(lesson, device=device, memory=memory, spare=spare))
    sys.exit(open_app(lesson, scratch=False, device=device, memory=memory, spare=spare))


@main.command()
@language_option
def lessons() -> None:
    """List the bundled lessons by track."""
    from tutor.course.loader import by_track
    from tutor.language import current_language

    for track, found in by_track(current_language()):
        click.echo(track)
        for lesson in found:
            click.echo(f"  {lesson.id:<20} {lesson.title}")


@main.command()
@click.argument("file", required=False)
@option("--plain", is_flag=True, help="Line mode: text only, for any terminal, screen reader or pipe.")
@device_option
@memory_option
@spare_option
@language_option
def repl(file: str | None, plain: bool, device: str, memory: str, spare: bool) -> None:
    """Open the app in scratch mode: an empty namespace to try things in.

    With --plain, the same as lines of text; FILE is a script to run first. Without a terminal,
    standard input is read, and the exit status is 1 when anything raised."""
    if not plain and file is not None:
        raise click.UsageError(say("FILE needs --plain: `torchtutor repl --plain FILE`."))
    if not plain:
        sys.exit(open_app(None, scratch=True, device=device, memory=memory, spare=spare))
    sys.exit(open_lines(file, device=device, memory=memory, spare=spare))


def _print_schema(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from tutor.contract.schema import json_schema

        click.echo(json_schema().decode())
        context.exit()


@main.command(context_settings={"ignore_unknown_options": False})
@click.argument("file")
@click.argument("arguments", nargs=-1)
@option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text for people.")
@option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of that object.",
)
@option("--device", default=None, callback=_check_device, help=_DEVICE_HELP)
@memory_option
def inspect(file: str, arguments: tuple[str, ...], as_json: bool, device: str | None, memory: str) -> None:
    """Run FILE (a script, a lesson.yaml, or - for standard input) and tell what each statement did.

    ARGUMENTS become sys.argv[1:]; write -- before those that begin with a dash.
    Exit status: 0 when the script ran to its end, 1 when it raised or its kernel died,
    2 for wrong use, 130 after Ctrl-C."""
    from tutor.headless import inspect as run

    sys.exit(run(file, arguments, as_json=as_json, device=device, memory=memory))


@main.command()
@click.argument("file")
@click.argument("arguments", nargs=-1)
@option("--name", default="", help="The tensor; without it the newest that has a graph.")
@option(
    "--format", "kind", type=click.Choice(["dot", "text", "svg"]), default="text", show_default=True,
    help="DOT for Graphviz, text as in the inspector, or SVG where Graphviz is installed.",
)  # fmt: skip
@option("-o", "--output", "out", default="", help="The file to write; without it standard output.")
@option("--force", is_flag=True, help="Write over a file that is there already.")
@memory_option
def graph(file: str, arguments: tuple[str, ...], memory: str, **wanted: Any) -> None:
    """Run FILE and write the autograd graph behind one of its tensors.

    What the code prints comes on standard error. Exit status: 0 when all went well, 1 when the code
    raised (the graph is then as the code left it), 2 where there is no such graph or for wrong use."""
    from tutor.headless import Picture
    from tutor.headless import graph as run

    sys.exit(run(file, arguments, Picture(**wanted), memory=memory))


@main.command()
@click.argument("rule", required=False)
def explain(rule: str | None) -> None:
    """Tell the idea behind RULE, the id that an explanation has, with an example that runs.

    Without RULE, list all of them. Exit status: 0, or 2 where there is no such rule."""
    from tutor.explain.book import NoPageError, all_pages, find_page
    from tutor.view.palette import ANSI
    from tutor.view.prose import render_prose

    try:
        if rule is None:
            for page in all_pages():
                click.echo(f"{page.rule:<24} {page.title}")
        elif sys.stdout.isatty():
            _print_prose(render_prose(find_page(rule).text, ANSI))
        else:  # Markdown as it is says which words are code, without colours
            click.echo(find_page(rule).text.rstrip())
    except NoPageError as error:
        click.echo(str(error), err=True)
        sys.exit(2)


@main.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@option("--lang", type=click.Choice(["ko"]), help="Check the translations into this language as well.")
@option("--watch", is_flag=True, help="Go on, and prove a file again whenever it was saved.")
@memory_option
def check(paths: tuple[str, ...], watch: bool, memory: str, lang: str | None) -> None:
    """Prove lessons: files, or folders of them; without PATH those that came with torchtutor.

    Runs every step's code, solution, accepted answer and mistake with two seeds. Exit status: 0 when
    all is as the lesson says, 1 when something is not, 2 when a file cannot be read, 130 after Ctrl-C."""
    from tutor.proving import check as prove

    sys.exit(prove(paths, memory=memory, watch=watch, language=lang))


@main.command()
@click.argument("lessons", nargs=-1, metavar="[LESSON]...")
@option("--lang", type=click.Choice(["ko"]), required=True, help="The language to translate into.")
def translate(lessons: tuple[str, ...], lang: str) -> None:
    """Write the overlay of each LESSON, or of all: a place for every text that is not translated yet.

    It is written beside the lesson (`ko/ID.yaml`). Translations whose English is still the same stay;
    what changed is marked stale, with its present English. Exit status: 0, or 2 when a file cannot
    be read or written."""
    from tutor.translating import translate as run

    sys.exit(run(lessons, lang))


@main.command()
@option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text for people.")
@option("--export", "out", default="", metavar="FILE", help="Write all progress and your code to FILE.")
@option("--import", "source", default="", metavar="FILE", help="Join what FILE has to what is here.")
@option("--force", is_flag=True, help="Let --export write over a file that is there already.")
def progress(as_json: bool, out: str, source: str, force: bool) -> None:
    """Tell how far you are: tracks and lessons, when you were there, how good your predictions were.

    An import undoes nothing: what is done in either is done, and code that is here is left as it is."""
    from tutor.progressing import progress as tell

    sys.exit(tell(as_json=as_json, out=out, source=source, force=force))


@main.command()
@click.argument("what", metavar="LESSON|session")
@option("-o", "--output", "out", default="", help="A file, .py or .ipynb; else .py on standard output.")
@option("--mine", is_flag=True, help="Your own code in the steps that you have done.")
@option("--force", is_flag=True, help="Write over a file that is there already.")
def export(what: str, out: str, mine: bool, force: bool) -> None:
    """Write a lesson, or what you ran last, as a script or a notebook that needs only torch.

    LESSON is the id of a bundled lesson or a YAML file; `session` is all that ran since the app was
    opened the last time. Exit status: 0, or 2 where there is nothing to write or nowhere."""
    from pathlib import Path

    from tutor.course.loader import LessonError, find_lesson, load_lesson
    from tutor.course.store import Store
    from tutor.export import ExportError, write
    from tutor.language import current_language
    from tutor.takeaway import lesson_file, session_file

    with Store.open(patience=STORE_PATIENCE) as store:
        try:
            if what == "session":
                data = session_file(store, out, own=False)
            else:
                lesson = load_lesson(find_lesson(what), current_language())
                data = lesson_file(lesson, store, out, mine=mine)
            if out:
                write(Path(out), data, overwrite=force)
        except (LessonError, ExportError) as error:
            click.echo(str(error), err=True)
            sys.exit(2)
        except FileExistsError:
            there = say("{path} is there already: choose another file, or --force.", path=out)
            click.echo(there, err=True)
            sys.exit(2)
    click.echo(say("Wrote {path}.", path=out) if out else data, nl=bool(out))


@main.command()
@click.argument("name", metavar="ID")
@option("--to", "folder", default=".", show_default=True, help="The folder to write into.")
def new(name: str, folder: str) -> None:
    """Write ID.yaml: a lesson with a step of each kind, with comments, that passes `check`."""
    from pathlib import Path

    from tutor.course.draft import DraftError, new_lesson

    try:
        written = new_lesson(name, Path(folder))
    except DraftError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    first = written[0]
    if len(written) == 1:
        click.echo(say("Wrote {path}.", path=first))
    else:
        click.echo(say("Wrote {path} and {other}.", path=first, other=written[1]))
    click.echo(say("Next: torchtutor preview {path}, and torchtutor check --watch {path}", path=first))


@main.command()
@click.argument("file")
@option("--step", default="", help="The id of the step to open; without it the first.")
@device_option
@memory_option
@spare_option
def preview(file: str, step: str, device: str, memory: str, spare: bool) -> None:
    """Open the lesson in FILE as its learners will see it, and again whenever it is saved.

    Nothing of it is kept: no progress, no code."""
    sys.exit(open_preview(file, step, device=device, memory=memory, spare=spare))


@main.command()
def schema() -> None:
    """Print the JSON Schema of lesson files, by which editors complete them."""
    from tutor.course.json_schema import schema_text

    click.echo(schema_text(), nl=False)


def _print_prose(text: Text) -> None:
    """To the terminal, broken between words."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    for line in text.wrap(console, min(console.width, _PROSE)):
        line.rstrip()
        console.print(line)
