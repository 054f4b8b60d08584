"""What a worker needs of the model: features, snapshots and their labels, scores, ranks of risk, value at risk.

Whole days at once, over the columns of `models.customers`. May import `models.customers`, `models.measures`, the values
on top of `models` and numpy; learns nothing and judges nothing: `models.learning` imports from here, never the other
way round.
"""
