"""Marks for other programs: fill in what a course system exported, or write a file of its own."""
