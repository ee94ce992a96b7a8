"""Grade deep-learning labs fairly, safely and fast."""

__version__ = "0.1.0"
