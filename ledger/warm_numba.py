"""Imported by the runner's warm process: what Numba loads only when a compiled function is first
called (SciPy and two hundred tables of types), which would take each step that folds 1.5 s.
"""

from numba.core.registry import cpu_target

cpu_target.typing_context.refresh()
cpu_target.target_context.refresh()
