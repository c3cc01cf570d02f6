"""Started by the session as a script with `python -P`: no folder of the learner's shadows a module."""

import sys
from pathlib import Path

# A checkout that is not installed: make `tutor` importable without touching the learner's environment.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from tutor.kernel.worker import main

main(sys.argv[1])
