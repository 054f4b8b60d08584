"""Whether all is as it should be: what `doctor` looks at, and what is asked before events are posted.

May import what reads of `streams`: `kafka`, `readback`, `files`; changes nothing.
"""
