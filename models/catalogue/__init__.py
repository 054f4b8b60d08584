"""The catalogue of signals: its language, compiled to operations on columns; reader, overlay, currencies, templates.

May import `models.measures`, `models.customers` and the values on top of `models`. Files are read by `streams`: a
catalogue comes in as text.
"""
