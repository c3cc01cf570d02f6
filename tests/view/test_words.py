"""Short words for facts; text that cannot touch a screen."""

import unicodedata

import hypothesis.strategies as st
import pytest
from hypothesis import given
from rich.cells import cell_len

from tutor.view.words import bytes_word, clean, dtype_word, fit, grad_fn_word, pad, seconds_word, stride_word


@given(st.text() | st.text(alphabet="\x00\x1b\x9b\u202e\u2028\ud800a"))
def test_clean_text_is_one_safe_line(text: str) -> None:
    assert not {unicodedata.category(char) for char in clean(text)} & {"Cc", "Cs", "Zl", "Zp"}
    assert "\u202e" not in clean(text)


def test_clean_shows_what_it_replaced_and_keeps_the_rest() -> None:
    assert clean("값\x1b[31m\n\x7f\x9b👩\u200d🚀") == "값␛[31m␊␡\ufffd👩\u200d🚀"


@given(st.text(alphabet="ab가é…"), st.integers(0, 12))
def test_fit_and_pad_keep_to_the_cells(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) <= width
    assert cell_len(pad(text, width)) == width
    if cell_len(text) <= width:
        assert fit(text, width) == text


def test_fit_marks_the_cut() -> None:
    assert fit("storage", 5) == "stor…"
    assert fit("가나다", 4) == "가…"


@pytest.mark.parametrize(
    ("dtype", "word"),
    [
        ("float32", "f32"),
        ("torch.bfloat16", "bf16"),
        ("int64", "i64"),
        ("bool", "bool"),
        ("float8_e4m3fn", "f8e4m3"),
        ("quint4x2", "quint4x2"),
    ],
)
def test_dtypes(dtype: str, word: str) -> None:
    assert dtype_word(dtype) == word


@pytest.mark.parametrize(
    ("name", "word"),
    [("MvBackward0", "Mv"), ("MyOpBackward", "MyOp"), ("Backward", "Backward"), ("Custom", "Custom")],
)
def test_grad_fns(name: str, word: str) -> None:
    assert grad_fn_word(name) == word


def test_strides_and_offsets() -> None:
    assert [stride_word((3, 1), 0), stride_word((3,), 1), stride_word((), None)] == ["(3, 1)", "(3) +1", "()"]


@pytest.mark.parametrize(
    ("nbytes", "word"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (4_000, "4.0 kB"),
        (4_000_000, "4.0 MB"),
        (999_960, "1.0 MB"),
        (5 * 10**15, "5000.0 TB"),
    ],
)
def test_bytes(nbytes: int, word: str) -> None:
    assert bytes_word(nbytes) == word


@pytest.mark.parametrize(
    ("seconds", "word"),
    [(0.0121, "12 ms"), (0.9996, "1.0 s"), (59.94, "59.9 s"), (59.96, "1 min 0 s"), (125, "2 min 5 s")],
)
def test_seconds(seconds: float, word: str) -> None:
    assert seconds_word(seconds) == word
