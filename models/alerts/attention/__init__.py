"""Who is told of what was decided: each revision of an alert is sent, or held with the rule that holds it.

A rule is a function in `rules.py`; their order, and who is held by which, is `pipeline.py`. `quiet.py` knows what was
said of customers whether or not they are judged: early firing asks it.
"""
