"""What `backtest --compare` refits beside the model, from the same rows and labels; its packages are optional."""
