"""What helps while somebody writes code: pure functions over text, and questions to a session. No screen."""
