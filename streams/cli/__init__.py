"""One command of the program a module: each exposes one click command, added by name in streams/__main__.py."""
