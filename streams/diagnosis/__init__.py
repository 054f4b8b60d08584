"""Whether all is as it should be: what `doctor` looks at, and what is asked before events are posted."""
