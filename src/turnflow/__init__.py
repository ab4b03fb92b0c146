"""Turnflow."""
