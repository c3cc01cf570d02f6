"""Watching torch's operations while the learner's code runs."""
