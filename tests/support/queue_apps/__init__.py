"""The same small application on two queues: Dramatiq's stock Redis broker and ours.

Both `stock` and `ours` are run by the ``dramatiq`` command in processes of their own; what their jobs do is
in `job`, what they did is in the `journal`, which lies on a Redis server that no test breaks.
"""
