"""Many connections, one model: a pure policy, and the thread that obeys it.

``job`` is a piece of work, ``scheduler`` decides what runs next, ``model`` is the seam to
what does it, ``runner`` owns the thread, ``handle`` is the event loop's end of a job.
"""
