"""How much the signals find of what is truly there, on simulated customers: truth, findings, scores, targets.

May import `models.calendar` only: what was found comes in as alerts of `schemas`.
"""
