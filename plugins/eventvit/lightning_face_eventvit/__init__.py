"""Facial Action Units from event cameras for lightning-face."""
