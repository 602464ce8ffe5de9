"""Finds records that mean the same company or person, without labels."""
