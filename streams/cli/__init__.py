"""One command of the program a module: each exposes one click command, added by name in `streams/__main__.py`.

May import everything of `streams`; what only one command needs is imported inside it, so that `--help` stays quick.
Prints, as pages of `console` do for it. No other room imports it.
"""
