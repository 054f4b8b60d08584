"""What another catalogue would have done: alerts of two runs over the same events, matched and counted.

May import the catalogue, values, `detection`'s numbers and `schemas`: what was decided comes in as alerts.
"""
