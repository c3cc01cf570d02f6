"""Backprop replay: what each of the learner's backward passes did, node by node.

`recorder` stands where every pass begins, `passing` gives one pass's nodes their hooks, `gradients` reads
what flows by, `accumulated` counts the passes that each `.grad` has added up.
"""

from tutor.kernel.replay.recorder import Replay

__all__ = ["Replay"]
