"""What a worker needs of the model: features, snapshots and their labels, scores, ranks of risk, value at risk.

Whole days at once, over the columns of `models.customers`. Imports `models.customers`, `models.measures`, values of the
catalogue and numpy; learns nothing and judges nothing: `models.learning` imports from here, never the other way round.
"""
