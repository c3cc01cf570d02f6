"""`torchtutor check`: proves lessons in kernels of their own, and tells every problem with its place.

`bench`: a kernel for one case after another. `files`: what there is to prove. `crew`: several benches at
once. `report`: lines, a progress bar and a table. `command`: once, or again at every change.
"""

from tutor.proving.command import check

__all__ = ["check"]
