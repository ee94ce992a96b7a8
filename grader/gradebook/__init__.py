"""The gradebook: every mark of a class, what it was before, and why it changed."""
