"""Pure renderers: a Result and its Exhibits in, text out. Nothing here runs or reads a submission."""
