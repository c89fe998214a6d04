"""What is kept of one person: found in every key, stream and spool, handed out, erased.

The only room that walks through all keys. It does so in bounded steps, at the speed of who asks.
"""
