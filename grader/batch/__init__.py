"""Grading a whole class: find the submissions, grade many at once, go on where it stopped."""
