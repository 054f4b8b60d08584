"""Synthetic customers: lives, kinds, populations, and what the engine finds of them.

May import `models`, `schemas`, settings and `streams.files`; asks no broker.
"""
