"""Flow graphs as YAML or JSON documents.

graph = load_flow(Path("refund.yaml").read_text(), name="refund.yaml")
registry.register(graph, on=graph.triggers)
"""

from turnflow.declarative.dumping import dump_flow, to_yaml
from turnflow.declarative.graph_flow import GraphFlow
from turnflow.declarative.handlers import output_problem
from turnflow.declarative.loading import load_flow
from turnflow.declarative.located import Located
from turnflow.declarative.params import params_for
from turnflow.declarative.reading import read_document
from turnflow.declarative.schema import document_schema
from turnflow.declarative.triggers import condition_problems
from turnflow.declarative.writing import graph

__all__ = [
    "GraphFlow",
    "Located",
    "condition_problems",
    "document_schema",
    "dump_flow",
    "graph",
    "load_flow",
    "output_problem",
    "params_for",
    "read_document",
    "to_yaml",
]
