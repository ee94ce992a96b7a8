"""The pytest plugin: fixtures and marks for a lab's checks."""
