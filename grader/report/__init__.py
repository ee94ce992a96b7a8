"""Pure renderers: a Result and its Exhibits in, text out. No submission is run or read."""
