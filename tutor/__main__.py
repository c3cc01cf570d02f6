"""`python -m tutor` is the command `torchtutor`."""

from tutor.cli import main

main(prog_name="torchtutor")
