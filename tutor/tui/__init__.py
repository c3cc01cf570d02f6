"""The Textual app: what a learner sees and presses. It draws records and posts messages."""

import os

# Kitty's keyboard flags break input methods (Korean among them) in iTerm2 and VS Code;
# Textual reads this when it is imported.
os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")
