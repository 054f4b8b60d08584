"""How often those whom a signal alerted came back by themselves, against everybody alike, on a history of one's own.

May import everything in `models`: it watches a replay, and asks of it what came of each alert.
"""
