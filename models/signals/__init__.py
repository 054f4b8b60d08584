"""Signals: the catalogue of rules, the language they are written in, and the measures they compare."""
