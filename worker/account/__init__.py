"""What the account allows now: gates, holds, pauses, limits, the gateway's strain."""
