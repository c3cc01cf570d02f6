"""The call at which an error arose, as facts: read from the traceback, nothing is run again."""
