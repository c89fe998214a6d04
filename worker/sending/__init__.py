"""The life of a message in a worker: `outbound` claims, `attempt` posts, `recorder` records and reports."""
