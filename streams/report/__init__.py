"""Reports for people: pages and plots that stand alone, and tables for the terminal.

May import `models`, `schemas`, matplotlib and jinja2, each where something is drawn; reads and asks nothing: what is
shown comes in as values.
"""
