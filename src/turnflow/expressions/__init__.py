"""Expressions: CEL behind one small interface."""

from turnflow.expressions.expression import ROOTS, Expression, compile_condition, compile_expression
from turnflow.expressions.templates import CompiledTemplate, compile_template, template

__all__ = [
    "ROOTS",
    "CompiledTemplate",
    "Expression",
    "compile_condition",
    "compile_expression",
    "compile_template",
    "template",
]
