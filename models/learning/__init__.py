"""What the learner needs: the ensemble of experts, examples in order, hindsight, quality, drift; and `backtest`.

May import `models.scoring`, `models.customers`, `models.catalogue`, the values on top of `models`; River in `churn`
alone. Knows no partition: examples come in one by one.
"""
