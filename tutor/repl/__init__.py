"""Line mode: the app as lines of text, for any terminal, a screen reader, or no terminal at all."""
