"""The commands of octopush-worker: what is typed, what is shown, and how a command ends.

A command asks `worker.inquiry` and decides through `worker.operator`, as a page of the console does.
"""
