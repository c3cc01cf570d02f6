"""Help and complaints of the command line in the language that is spoken, also those that click words."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import click
from click import core, decorators, exceptions, formatting, parser, types

from tutor.language import UnknownLanguageError, choose_language, current_language, use_language
from tutor.translation import later, say, translated

#: What click says itself.
_OF_CLICK = frozenset(
    (
        later("Usage:"),
        later("Options"),
        later("Commands"),
        later("default: {default}"),
        later("required"),
        later("Aborted!"),
        later("Error: {message}"),
        later("Try '{command} {option}' for help."),
        later("Did you mean {possibility}?"),
        later("(Did you mean one of: {possibilities}?)"),
        later("Got unexpected extra argument ({args})"),
        later("Got unexpected extra arguments ({args})"),
        later("Invalid value: {message}"),
        later("Invalid value for {param_hint}: {message}"),
        later("Missing argument"),
        later("Missing option"),
        later("Missing command."),
        later("No such option {name!r}."),
        later("No such command {name!r}."),
        later("Option {name!r} does not take a value."),
        later("Option {name!r} requires an argument."),
        later("{value!r} is not {choice}."),
        later("{value!r} is not one of {choices}."),
        later("Choose from:\n\t{choices}"),
    )
)
#: Stands behind each character that takes two columns while click, which counts characters, breaks lines.
_FILLER = "\N{HANGUL CHOSEONG FILLER}"


def _word(english: str) -> str:
    return translated(english) if english in _OF_CLICK else english


def _counted(one: str, many: str, count: int) -> str:
    return _word(one if count == 1 else many)


def _lend_words() -> None:
    """Have click ask for its words here. It asks gettext, which looks only at the environment and at files
    of its own; both would reach the learner's code as well."""
    for module in (core, decorators, exceptions, formatting, parser, types):
        for name, words in (("_", _word), ("ngettext", _counted)):
            if hasattr(module, name):
                setattr(module, name, words)


def _widened(text: str) -> str:
    from rich.cells import cell_len

    return "".join(each + _FILLER if cell_len(each) > 1 else each for each in text)


class Formatter(click.HelpFormatter):
    """Breaks lines by the columns that they take."""

    def write_text(self, text: str) -> None:
        """A paragraph, or several."""
        super().write_text(text if text.isascii() else _widened(text))

    def write_dl(self, rows: Iterable[tuple[str, str]], *args: Any, **options: Any) -> None:
        """Options or commands, with what they do."""
        wide = [(first, second if second.isascii() else _widened(second)) for first, second in rows]
        super().write_dl(wide, *args, **options)

    def getvalue(self) -> str:
        """All that was written."""
        return super().getvalue().replace(_FILLER, "")


class Context(click.Context):
    """A context whose help is laid out by `Formatter`."""

    formatter_class = Formatter


class Option(click.Option):
    """An option whose help is translated when it is asked for."""

    @property
    def help(self) -> str | None:
        """What it does, in the language that is spoken."""
        return translated(self.english_help) if self.english_help else None

    @help.setter  # noqa: A003
    def help(self, text: str | None) -> None:
        self.english_help = text


class _Speaking(click.Command):
    """A command whose help is translated when it is asked for, and which hears `--lang` before all else."""

    context_class = Context

    @property
    def help(self) -> str | None:
        """What it does, in the language that is spoken, paragraph by paragraph."""
        paragraphs = (self.english_help or "").split("\n\n")
        return "\n\n".join(map(translated, paragraphs)) if self.english_help else None

    @help.setter  # noqa: A003
    def help(self, text: str | None) -> None:
        self.english_help = text

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """`--help`, which click makes once, in the language that is spoken now."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = say("Show this message and exit.")
        return option

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Help and complaints are in the language that these very arguments ask for."""
        ctx.meta[_FLAG] = self._wish(ctx, args)
        for wish in (None, ctx.meta[_FLAG]):
            with suppress(UnknownLanguageError):  # said when the option's turn comes
                choose(ctx, wish)
        if current_language() != "en":
            _lend_words()
        return super().parse_args(ctx, args)

    def _wish(self, context: click.Context, args: list[str]) -> str | None:
        """What `--lang` says, wherever it stands, also beside what cannot be read and is complained of.

        Of some commands it is another option: what stands behind their names is theirs."""
        if _means_another(self):
            return None
        return _said(self._own(context, args))

    def _own(self, context: click.Context, args: list[str]) -> list[str]:
        """The arguments among which `--lang` is the language of all."""
        return args


class Command(_Speaking):
    """A command that speaks the language that is asked for."""


class Group(_Speaking, click.Group):
    """A group of such commands."""

    command_class = Command

    def invoke(self, ctx: click.Context) -> Any:
        """Run what is asked for; Ctrl-C where nobody else heeds it ends as programs do that it ends."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("\n" + _word("Aborted!"), err=True)
            raise exceptions.Exit(130) from None

    def _own(self, context: click.Context, args: list[str]) -> list[str]:
        for at, word in enumerate(args):
            command = self.get_command(context, word)
            if command is not None:
                return args[:at] if _means_another(command) else args
        return args


class LanguageOption(Option):
    """The option that says which language is spoken."""

    NAME = "lang"


_FLAG = f"--{LanguageOption.NAME}"


def _means_another(command: click.Command) -> bool:
    """Whether `--lang` is an option of a command's own, such as a language to check."""
    return any(_FLAG in each.opts and not isinstance(each, LanguageOption) for each in command.params)


def _said(args: list[str]) -> str | None:
    """The value of the last `--lang` before what is no option whatever it looks like."""
    args = args[: args.index("--")] if "--" in args else args
    wish = None
    for word, after in zip(args, [*args[1:], ""], strict=False):
        name, equals, value = word.partition("=")
        if name == _FLAG:
            wish = (value if equals else after) or wish
    return wish


def choose(context: click.Context, wish: str | None) -> None:
    """Speak the language that is wished for; without a wish, as the environment has it, once."""
    if wish or context.parent is None:
        use_language(choose_language(wish, os.environ))


def _chosen(context: click.Context, _: click.Parameter, wish: str | None) -> str:
    try:
        choose(context, wish or context.meta.get(_FLAG))
    except UnknownLanguageError as error:
        known = f" {say('or')} ".join(error.known)
        sentence = say(
            "{place} is `{wish}`, which is no language here; use {known}.",
            place=error.place,
            wish=error.wish,
            known=known,
        )
        raise click.UsageError(sentence) from None
    return current_language()


language_option = click.option(
    _FLAG, cls=LanguageOption, expose_value=False, callback=_chosen, metavar="en|ko",
    help="Language of lessons and app; without it TORCHTUTOR_LANG, then the locale.",
)  # fmt: skip
