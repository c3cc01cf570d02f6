"""The derivative rule of a node: in words, and as a formula with the node's own numbers filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tutor.facts import NodeFacts
from tutor.translation import say, translated
from tutor.view.derivatives import elementwise, layout, products, reductions
from tutor.view.derivatives.formula import fill, spell
from tutor.view.derivatives.rules import LETTERS, RULES, Rule, Saved
from tutor.view.words import clean

__all__ = ["Derivative", "derivative"]
_TABLES = (elementwise, layout, products, reductions)
_VERSION = re.compile(r"Backward\d*(_copy)?$")


@dataclass(frozen=True)
class Derivative:
    """`formulas` is for people: `∂L/∂x = g·2·x`; `gradients` and `lets` are the same as expressions."""

    words: str
    formulas: tuple[str, ...] = ()
    gradients: Mapping[str, str] | None = None
    lets: tuple[tuple[str, str], ...] = ()


def derivative(node: NodeFacts, inputs: Sequence[str] = (), output: str = "") -> Derivative | None:
    """The rule of `node`, or None where none is known. `inputs` are names for what its edges lead to."""
    if node.name == "AccumulateGrad":
        return _leaf(node)
    rule = _rule_of(node)
    if rule is None:
        return None
    if _is_complex(node):
        return Derivative(f"{translated(rule.words)} {say('Of complex numbers the conjugates take part.')}")
    saved = Saved(node)
    slots = node.slots if node.slots is not None else tuple(range(len(rule.gradients)))
    values = _values(node, rule, saved, slots)
    wanted = [LETTERS[slot] for slot in slots if slot < len(LETTERS)]
    gradients = {each: fill(rule.gradients[each], values) for each in wanted if each in rule.gradients}
    lets = tuple((name, fill(expression, values)) for name, expression in rule.lets)
    lets = _used(lets, gradients)
    names = _names(wanted, inputs, output)
    formulas = [f"∂L/∂{names.get(each, each)} = {spell(text, names)}" for each, text in gradients.items()]
    formulas += [say("with {term}", term=f"{name} = {spell(text, names)}") for name, text in lets]
    return Derivative(translated(rule.words), tuple(formulas), gradients, lets)


def _names(wanted: Sequence[str], inputs: Sequence[str], output: str) -> dict[str, str]:
    """What the rule's letters are called: by the learner's names, where there are some."""
    given = {letter: clean(name) for letter, name in zip(wanted, inputs, strict=False) if name}
    names = given | {"out": clean(output) or "out"}
    taken = set(names.values())
    for letter in LETTERS:
        if letter not in given and letter in taken:
            names[letter] = next(each for each in "abpqrs" if each not in taken)
            taken.add(names[letter])
    if "g" in taken:
        names["g"] = "grad"
    return names


def _leaf(node: NodeFacts) -> Derivative:
    name = clean(node.variable) if node.variable else "x"
    words = say("The gradient is added to the .grad of a leaf without a name.")
    if node.variable:
        words = say("The gradient is added to the .grad of {name}.", name=name)
    return Derivative(words, (f"{name}.grad += g",))


def _rule_of(node: NodeFacts) -> Rule | None:
    make = RULES.get(node.name) or RULES.get(_VERSION.sub("", node.name))
    return None if make is None else make(Saved(node))


def _is_complex(node: NodeFacts) -> bool:
    """Whether it saved complex numbers: the formulas are those of real ones."""
    tensors = [value for value in node.saved.values() if isinstance(value, dict)]
    return any(str(value.get("dtype")).startswith("complex") for value in tensors)


def _values(node: NodeFacts, rule: Rule, saved: Saved, slots: Sequence[int]) -> dict[str, float | str]:
    """Numbers for names in the rule. An input that asks for no gradient is called what it was saved as."""
    values: dict[str, float | str] = {
        name: number for name in node.saved if (number := saved.number(name)) is not None
    }
    for name in ("self", "other", "result", "out", "g", *LETTERS, *(name for name, _ in rule.lets)):
        values.pop(name, None)
    inputs = {LETTERS[slot] for slot in slots if slot < len(LETTERS)}
    for letter, name in rule.saved.items():
        if letter not in inputs and saved.has(name):
            number = saved.number(name)
            values[letter] = name if number is None else number
    return values


def _used(lets: tuple[tuple[str, str], ...], gradients: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The abbreviations that the gradients need."""
    text = " ".join(gradients.values())
    kept: list[tuple[str, str]] = []
    for name, expression in reversed(lets):
        if re.search(rf"\b{name}\b", text):
            kept.append((name, expression))
            text += " " + expression
    return tuple(reversed(kept))
