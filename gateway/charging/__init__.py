"""Charge management: who gets power now, under each group's limit (paper section 4.3.3)."""
