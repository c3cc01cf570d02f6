"""torchtutor: a terminal tutor for PyTorch that shows what each line really did."""

__version__ = "0.1.0"
