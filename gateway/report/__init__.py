"""Reports on what was charged, sold and earned (paper section 4.3.3, "minimal reporting capabilities")."""
