"""Pages for a terminal: alerts as a list, one customer, the course of engagement.

May import `models`, `schemas` and `streams.text`; reads and asks nothing: what is shown comes in as values.
"""
