"""What the author of a lab's checks imports."""
