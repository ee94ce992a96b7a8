"""Thresholds for an accuracy, which is a matter of luck: measured over many seeds."""
