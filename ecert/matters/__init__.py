"""Matters (事项) and what each of them needs (免证办清单): values in, an evaluation out. Pure.

Will live here: the definition of a matter with its materials (材料) and the ways each may be proved, and the
pure function that says which of them a set of accepted licences already proves. Nothing of it is needed to
verify one
licence: a window that accepts certain types only says so in `ecert.verify.Policy`.
"""

__all__: list[str] = []
