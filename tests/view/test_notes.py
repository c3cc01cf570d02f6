"""Line notes, from facts written by hand."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from tutor.facts import Snapshot, Step, TensorFacts
from tutor.view.context import Names
from tutor.view.notes import Note, note_text, notes_for
from tutor.view.palette import INK

from .build import error, lesson_run, snapshot, step, storage, tensor, warning

PICTURE = list(notes_for(lesson_run().steps, Snapshot()).values())


def only(*steps: Step, before: Snapshot | None = None) -> Note | None:
    """The note of the last step."""
    return notes_for(steps, before or Snapshot()).get(steps[-1].end_line)


def words(note: Note | None) -> str | None:
    return None if note is None else note_text(note, INK, 200).plain


def told(source: str, before: Snapshot, after: Snapshot, *changes: tuple[str, str]) -> str | None:
    """The words beside one statement."""
    return words(only(step(source, after, *changes), before=before))


def test_the_picture() -> None:
    notes = notes_for(lesson_run().steps, Snapshot())
    assert {line: words(note) for line, note in notes.items()} == {
        3: "A [2, 3] f32",
        4: "A [2] f32 view of x",
        5: "A writes 1 of 6 y too",
        7: "B [3] f32 leaf",
        8: "D [2] f32 ← Mv",
        9: "E [] f32 ← Mean",
        10: "C w.grad [3] new",
    }


def test_a_second_name_for_the_same_object() -> None:
    x = tensor("x", 1, (2,))
    after = snapshot(x, tensor("y", 1, (2,), object=x.object))
    assert told("y = x", snapshot(x), after, ("y", "new")) == "A [2] f32 same as x"


@cache
def placed(name: str, number: int, size: int, block: int) -> TensorFacts:
    """One and the same where nothing has changed, as in a run's snapshots; block 0 is none."""
    facts = tensor(name, block, (size,), object=number)
    return facts if block else replace(facts, storage=None, block=None)


PLACES = st.tuples(st.integers(1, 3), st.integers(0, 1), st.integers(0, 2))


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), PLACES), max_size=6))
def test_who_is_where_is_known_from_one_statement_to_the_next(namespaces) -> None:
    names = Names({})
    for namespace in namespaces:
        tensors = {name: placed(name, *where) for name, where in namespace.items()}
        names.follow(tensors)
        held = [facts for facts in tensors.values() if facts.numel]
        for at in range(30):
            assert {*names.of_object(at)} == {t.name for t in tensors.values() if t.object == at}
            assert {*names.on_storage(at)} == {t.name for t in held if t.storage == at}
            assert {*names.on_block(at)} == {t.name for t in held if t.block == at}
        assert not {*names.on_storage(None), *names.on_block(None)}


def test_numpy_and_torch_share_memory_without_sharing_a_storage() -> None:
    a = tensor("a", 1, (6,), kind="ndarray", storage=None)
    t = tensor("t", 1, (6,))
    note = only(step("t = torch.from_numpy(a)", snapshot(a, t), ("t", "new")), before=snapshot(a))
    assert words(note) == "A [6] f32 shares with a"
    b = tensor("b", 1, (4,), kind="ndarray", storage=None, offset=2)
    assert told("b = a[2:]", snapshot(a), snapshot(a, b), ("b", "new")) == "A [4] f32 view of a"


def test_the_oldest_name_is_the_one_that_was_bound_first() -> None:
    x, y = tensor("x", 1, (4,)), tensor("y", 2, (4,))
    start = snapshot(x, y)
    rebound = step("x = make()", snapshot(tensor("x", 3, (4,), object=1), y), ("x", "rebound"), line=1)
    view = tensor("x", 2, (2,), object=2)
    again = step("x = half()", snapshot(view, y), ("x", "rebound"), line=2)
    last = step("z = more()", snapshot(view, y, tensor("z", 2, (1,))), ("z", "new"), line=3)
    notes = notes_for([rebound, again, last], start)
    assert words(notes[2]) == "B [2] f32 view of y"
    assert words(notes[3]) == "B [1] f32 view of y"


def test_a_name_in_the_statement_is_preferred_to_an_older_one() -> None:
    x, y = tensor("x", 1, (4,)), tensor("y", 1, (2,))
    after = snapshot(x, y, tensor("z", 1, (1,)))
    assert told("z = y[:1]", snapshot(x, y), after, ("z", "new")) == "A [1] f32 view of y"


def test_empty_tensors_are_views_of_nothing() -> None:
    x = tensor("x", 1, (0,))
    after = snapshot(x, tensor("y", 1, (0,)))
    assert told("y = x[:0]", snapshot(x), after, ("y", "new")) == "A [0] f32"


def written(source: str, ranges: tuple[tuple[int, int], ...] | None, *changed: str) -> str | None:
    """`x` is [2, 3], `y` its middle column, `r` its first row."""
    names = (
        tensor("x", 1, (2, 3)),
        tensor("y", 1, (2,), stride=(3,), offset=1),
        tensor("r", 1, (3,)),
    )
    before = snapshot(*names)
    after = snapshot(*names, storage(1, 6, ("x", "y", "r"), written=ranges))
    return words(only(step(source, after, *((name, "written") for name in changed)), before=before))


@pytest.mark.parametrize(
    ("source", "ranges", "note"),
    [
        ("x[0, 1] = 9", ((1, 2),), "A writes 1 of 6 y, r too"),
        ("x[1, 2] = 9", ((5, 6),), "A writes 1 of 6"),
        ("y.add_(1)", ((1, 2), (4, 5)), "A writes 2 of 6 x, r too"),
        ("r.zero_()", ((0, 3),), "A writes 3 of 6 x, y too"),
        ("x += 1", ((0, 6),), "A writes all 6 y, r too"),
        ("x += y", ((0, 6),), "A writes all 6 y, r too"),
        ("x[1] *= 2", None, "A writes into x shared with y, r"),
        ("y *= 2", None, "A writes into y shared with x, r"),
        ("step()", ((0, 3),), "A x written 3 of 6 y, r too"),
    ],
)
def test_writes(source: str, ranges: tuple[tuple[int, int], ...] | None, note: str) -> None:
    assert written(source, ranges, "x", "y", "r") == note


def test_many_sharers_are_counted() -> None:
    names = [tensor(name, 1, (2,)) for name in "abcde"]
    after = snapshot(*names, storage(1, 2, tuple("abcde"), written=((0, 1),)))
    note = only(step("a[0] = 1", after, *((name, "written") for name in "abcde")), before=snapshot(*names))
    assert words(note) == "A writes 1 of 2 b, c +2 too"


def test_a_new_shape_in_place_is_no_write() -> None:
    old = tensor("x", 1, (2, 3))
    new = tensor("x", 1, (3, 2), stride=(1, 3))
    after = snapshot(new, storage(1, 6, ("x",), written=None))
    assert told("x.t_()", snapshot(old), after, ("x", "written")) == "A [3, 2] f32 was [2, 3] f32"


def test_gradients() -> None:
    w = tensor("w", 1, (3,), requires_grad=True)
    grad = tensor("w.grad", 2, (3,))
    again = snapshot(w, grad, storage(2, 3, ("w.grad",), written=((0, 3),)))
    second = step("loss.backward()", again, ("w.grad", "written"))
    assert words(only(second, before=snapshot(w, grad))) == "B w.grad written"
    cleared = step("opt.zero_grad()", snapshot(w), ("w", "altered"), ("w.grad", "deleted"))
    assert words(only(cleared, before=snapshot(w, grad))) == "w.grad is None"


def test_several_names_give_the_most_telling_and_a_count() -> None:
    x = tensor("x", 1, (4,))
    after = snapshot(x, tensor("n", 2, (1,)), tensor("v", 1, (2,)), tensor("m", 3, (1,)))
    note = only(step("n, v, m = f(x)", after, ("n", "new"), ("v", "new"), ("m", "new")), before=snapshot(x))
    assert words(note) == "A [2] f32 view of x +2"


def test_parameters_of_a_module_are_named() -> None:
    weight = tensor("lin.weight", 1, (2, 3), requires_grad=True, kind="parameter")
    bias = tensor("lin.bias", 2, (2,), requires_grad=True, kind="parameter")
    made = step("lin = nn.Linear(3, 2)", snapshot(weight, bias), ("lin.weight", "new"), ("lin.bias", "new"))
    assert words(only(made)) == "A lin.weight [2, 3] f32 leaf +1"


def test_deleting_a_name_tells_who_stays() -> None:
    x, y = tensor("x", 1, (2,)), tensor("y", 1, (2,))
    assert told("del x", snapshot(x, y), snapshot(y), ("x", "deleted")) == "A deleted x y stays"
    assert told("del y", snapshot(y), Snapshot(), ("y", "deleted")) == "deleted y"


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"requires_grad": True}, "A requires_grad on leaf"),
        ({"retains_grad": True}, "A retains grad"),
        ({"dtype": "float64"}, "A [3] f64 was [3] f32"),
        ({"device": "cuda:0"}, "A on cuda:0 was cpu"),
        ({"grad_fn": "AddBackward0"}, "A ← Add"),
        ({"version": 7}, None),
    ],
)
def test_alterations(change: dict[str, object], note: str | None) -> None:
    before = snapshot(tensor("x", 1, (3,)))
    after = snapshot(tensor("x", 1, (3,), **change))
    assert told("x.f_()", before, after, ("x", "altered")) == note


def test_a_second_device_is_told() -> None:
    x = tensor("x", 1, (3,))
    moved = snapshot(tensor("x", 2, (3,), device="cuda:0", object=9))
    assert told("x = x.cuda()", snapshot(x), moved, ("x", "rebound")) == "B [3] f32 cuda:0"


def test_errors_warnings_and_results() -> None:
    failed = step("x @ y", Snapshot(), error=error("RuntimeError"))
    assert only(failed) == Note(None, "RuntimeError", kind="error")
    warned = step("f(\n)", Snapshot(), warnings=(warning("UserWarning"), warning("FutureWarning")))
    assert notes_for([warned], Snapshot()) == {2: Note(None, "UserWarning", "+1", kind="warning")}
    assert words(only(step("x.is_contiguous()", Snapshot(), result="False"))) == "= False"
    assert only(step("x", Snapshot(), result="tensor([[1.],\n        [2.]])")) is None
    assert only(step("n = 3", Snapshot())) is None


def test_an_error_on_a_shared_line_is_not_hidden() -> None:
    failed = step("a()", Snapshot(), error=error("ValueError"))
    notes = notes_for([failed, step("b()", Snapshot(), result="1")], Snapshot())
    assert notes[1].kind == "error"


def test_unknown_dtypes_and_hostile_names_are_shown_safely() -> None:
    odd = TensorFacts("x", "unreadable", "Evil\x1b[31m", 1, unread="no\nshape")
    note = only(step("x = f()", Snapshot(tensors={"x": odd}), ("x", "new")))
    assert words(note) == "Evil␛[31m no␊shape"
    half = TensorFacts("x", "tensor", "Tensor", 1, shape=(2,), dtype="float3")
    assert words(only(step("x = f()", Snapshot(tensors={"x": half}), ("x", "new")))) == "[2] float3"
    failed = step("raise E", Snapshot(), error=error("E\x1b]0;x\x07"))
    assert "\x1b" not in words(only(failed))


@given(st.integers(0, 60), st.sampled_from(PICTURE))
def test_notes_fit_their_room_and_keep_the_letter_longest(room: int, note: Note) -> None:
    shown = note_text(note, INK, room)
    assert cell_len(shown.plain) <= room
    if room:
        assert shown.plain.startswith("ABCDE"[note.block - 1])


def test_a_short_note_loses_its_tail_first() -> None:
    note = Note(1, "[2] f32", "view of x")
    assert note_text(note, INK, 19).plain == "A [2] f32 view of x"
    assert note_text(note, INK, 14).plain == "A [2] f32 vie…"
    assert note_text(note, INK, 10).plain == "A [2] f32"
    assert note_text(note, INK, 6).plain == "A [2]…"
    assert note_text(note, INK, 1).plain == "A"


def test_a_stale_note_is_struck_through() -> None:
    assert note_text(Note(1, "[2] f32"), INK, 20, stale=True).style.strike


def test_an_error_stands_beside_its_own_line() -> None:
    source = "for i in range(2):\n    a @ b\n    c = 1"
    failed = step(source, snapshot(), line=4, error=error("RuntimeError", line=5))
    assert {line: words(note) for line, note in notes_for([failed], Snapshot()).items()} == {
        5: "RuntimeError"
    }
    unknown = step(source, snapshot(), line=4, error=error("RuntimeError", line=0))
    assert set(notes_for([unknown], Snapshot())) == {6}
