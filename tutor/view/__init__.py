"""Facts to styled text: every function here is pure and returns rich `Text` or plain values."""
