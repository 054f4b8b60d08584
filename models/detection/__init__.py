"""How much the signals find of what is truly there, on simulated customers. May import `models.calendar` only."""
