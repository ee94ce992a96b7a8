"""A course: a folder with `assignments/` and `rubrics/`, and for staff `reference/`."""

from __future__ import annotations

from grader.course.course import Course, find_course, is_course

__all__ = ["Course", "find_course", "is_course"]
