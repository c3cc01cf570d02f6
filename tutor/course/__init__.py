"""Lessons: what a lesson file may say, and how one is read with exact places for every mistake."""
