"""The records that pass from stage to stage: frozen, printable, comparable, without I/O."""
