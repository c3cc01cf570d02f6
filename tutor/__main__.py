"""`python -m tutor` is the command `torchtutor`."""

import sys

if not sys.flags.safe_path:
    # The working folder: a script in it named like a module of the standard library must not shadow that.
    del sys.path[0]

from tutor.cli import main

main(prog_name="torchtutor")
