"""Notifications: telling those who listen what has changed (paper section 4.3.3)."""
