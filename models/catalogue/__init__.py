"""The catalogue of signals: its language, compiled to columns; its reader, templates and default.

Imports `models.measures` and `models.customers`.
"""
