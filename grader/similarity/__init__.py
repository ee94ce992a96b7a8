"""Which submissions share more code than a class does by chance: a hint to a person, no mark."""
