"""Cells as a file: a script in the percent format, which editors show as cells, or a Jupyter notebook."""

from __future__ import annotations

from collections.abc import Sequence

from tutor.course.sheets import Cell, compiles
from tutor.translation import later, translated

#: What cells can be written as, by the ending of the file.
ENDINGS = {".py": later("a script"), ".ipynb": later("a notebook")}
_ONLY_NOTEBOOKS = later("This runs in a notebook only, for it awaits outside of a function:")


def written(cells: Sequence[Cell], ending: str) -> bytes:
    """The file's content; KeyError for an ending that is none of ENDINGS."""
    return {".py": script, ".ipynb": notebook}[ending](cells).encode()


def script(cells: Sequence[Cell]) -> str:
    """Python, with the prose in comments."""
    parts = []
    for cell in cells:
        if cell.kind == "text":
            parts.append(f"# %% [markdown]\n{_comment(cell.text)}")
        elif compiles(cell.text):
            parts.append(f"# %%\n{cell.text}")
        else:
            parts.append(f"# %%\n# {translated(_ONLY_NOTEBOOKS)}\n{_comment(cell.text)}")
    return "\n\n".join(parts) + "\n"


def notebook(cells: Sequence[Cell]) -> str:
    """JSON of nbformat 4, without outputs; the same cells give the same text."""
    import nbformat.v4

    made = []
    for number, cell in enumerate(cells):
        new = nbformat.v4.new_markdown_cell if cell.kind == "text" else nbformat.v4.new_code_cell
        made.append(new(cell.text, id=f"cell-{number}"))
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    book = nbformat.v4.new_notebook(cells=made, metadata=metadata)
    nbformat.validate(book)
    return str(nbformat.writes(book)) + "\n"


def _comment(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.rstrip().split("\n"))
