"""Condocharge's protocol package."""
