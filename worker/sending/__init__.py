"""The life of a message in a worker: `outbound` claims, `attempt` makes the POSTs, `recorder` records and logs."""
