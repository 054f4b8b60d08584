"""What `backtest --compare` refits beside the model, from the same rows and labels.

May import `models.scoring` and `models.learning`; LightGBM and SciPy are optional and imported where they are used.
"""
