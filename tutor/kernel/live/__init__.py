"""What code that is still running does, seen from a thread beside it."""
