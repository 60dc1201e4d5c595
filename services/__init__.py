"""The three services of Parley; each is a package started with ``python -m``.

Being imported before anything else of a service, this package is where numpy's OpenBLAS is held to
one thread. Its others would gain nothing on matrices as small as ours (mel filters of seconds of
sound), and each spins for 100 ms after every product: a partial of 6 ms cost 110 ms of processor
time. Who sets ``OPENBLAS_NUM_THREADS`` has it as set.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
