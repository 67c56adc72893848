"""Experiments that train models: slow, run by hand, their products committed."""
