"""Testing the checks themselves: references, starters, fixtures and mutants of the reference."""
