"""A wrapped document that knows its height without counting it."""

from __future__ import annotations

from textual.document._wrapped_document import WrappedDocument


class QuickWrappedDocument(WrappedDocument):
    """Textual asks for the height once a rendered row; counting it costs the length of the document."""

    @property
    def height(self) -> int:
        return len(self._offset_to_line_info)
