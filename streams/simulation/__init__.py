"""Synthetic customers: lives, kinds, populations, and what the engine finds of them."""
