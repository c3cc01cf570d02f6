"""The one JSON object that `torchtutor inspect --json` prints, and its schema."""

from tutor.contract.document import Contract

__all__ = ["Contract"]
