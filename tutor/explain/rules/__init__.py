"""The rules, one module a topic: each rule is one function, whose docstring says when it holds."""
