"""Explanations: pure functions of the records, one small rule a subject."""

from tutor.explain.engine import explain_error, explain_step
from tutor.explain.past import Past

__all__ = ["Past", "explain_error", "explain_step"]
