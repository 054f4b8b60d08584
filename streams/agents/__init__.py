"""What the worker does with frames: the customers agent and the clock; may import `models` and the transport."""
