"""Learning who will leave: from features and labels to the committee, its quality and its scores."""
