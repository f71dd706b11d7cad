"""
The expressions of the configuration, in CEL (cel.dev): conditions, mappings, templates.

Everything is compiled when the configuration is loaded; what is wrong shows there, with line and column.
"""

from hub.expressions.faults import ExpressionFailed, ExpressionFault, TreeFaults
from hub.expressions.mapping import Expression
from hub.expressions.predicates import CompiledPredicate, PredicateCompiler
from hub.expressions.templates import Ordered, PathTemplate, TreeTemplate
from hub.expressions.values import Values

__all__ = [
    "CompiledPredicate",
    "Expression",
    "ExpressionFailed",
    "ExpressionFault",
    "Ordered",
    "PathTemplate",
    "PredicateCompiler",
    "TreeFaults",
    "TreeTemplate",
    "Values",
]
