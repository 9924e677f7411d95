"""Metrics of ranked galleries."""
