"""Charge monitor: what each session has used, when it ends, and what goes wrong (paper section 4.3.3)."""
