"""Types into a store for ever, and says on standard output what was typed when: to be killed.

Usage: typist.py STORE NAME FIRST, where FIRST is the number of the first keystroke.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
import time
from pathlib import Path

from tutor.course.store import Store, TranscriptEntry


def main(path: str, name: str, first: str) -> None:
    store = Store.open(Path(path))
    text = ""
    for number in itertools.count(int(first)):
        text = f"{text[-2000:]}{number},"
        store.save_draft(f"lesson/{name}", text, (0, number))
        if number % 10 == 0:
            store.add_history(f"{name}:{number}")
        if number % 20 == 0:
            store.add_entry(TranscriptEntry(f"lesson/{name}", str(number)))
            store.record("lesson", name, hints=number)
        os.write(1, b"%d %.6f\n" % (number, time.monotonic()))
        time.sleep(random.uniform(0.002, 0.008))


main(*sys.argv[1:])
