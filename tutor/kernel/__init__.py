"""The child process that runs the learner's code: the only part that imports torch."""
