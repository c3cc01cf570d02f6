"""Writing code on the screen: the text area, completion, find, documentation."""
