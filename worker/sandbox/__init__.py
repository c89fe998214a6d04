"""A complete Octopush on your own machine: embedded Redis, simulated gateway, worker and web.

`stack` starts and stops it all, `demo` tells the story of one SMS, `simulator` is the gateway.
"""
