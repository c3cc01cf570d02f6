"""Explanations: pure functions of the records, one small rule a subject."""

from tutor.explain.engine import explain_error, explain_step

__all__ = ["explain_error", "explain_step"]
