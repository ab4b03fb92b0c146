"""Expressions: CEL behind one small interface."""
