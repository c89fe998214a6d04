"""The check before the night: what is wrong with this installation, or may go wrong, and what to do about it.

Each module looks at one section, and yields `Finding` objects; `doctor_cli` runs all sections side by side,
each within its time. Nothing here changes anything, but for the probe of the callback URL, which Redis awaits
for a minute.
"""
