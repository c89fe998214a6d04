"""What runs: Dramatiq actors that send SMS through Octopush and process its callbacks.

Read `outbound` for the life of an SMS and `inbound` for the life of a callback, each from top to bottom.
`main` builds everything; `queue` and `leases` bring the work, `ledger` decides, `gateway` calls, `publisher`
tells the applications.
"""
