"""Texts of ours and of others on their way to people: words, what is safe to show, the one way to a terminal.

May import `schemas`; everything else of `streams` may import it.
"""
