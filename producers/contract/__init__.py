"""What producers and workers agree on, in four groups; nothing here knows anything above it.

The contract itself, which both sides must read alike:

- `jobs`: queues, their actors, the states of a message, the version of its record
- `keys`: every key in Redis
- `layout`: every field of the hashes
- `admission`: the gates that decide what may leave now, in order
- `events`: the entries of the public streams
- `kinds`: the kinds of callbacks

Connections to Redis, and what runs over them:

- `clients`: the producers' clients, with explicit time-outs and retries
- `connections`, `connections_async`: connections that find a moved primary again
- `followers`: what both kinds of connection share
- `routes`: where the primary is, at an address or behind a name
- `asking`: where it is, asked of servers that know: `sentinels`, or the nodes of a cluster (`slots`)
- `route_of_url`: which of these an address needs
- `redis_url`: the address of Redis
- `outages`: which troubles pass, and what to say about them
- `one_loop`: which event loop an asyncio client belongs to
- `scripts`: one call of a Lua script; what scripts have in common lies in ``lua/``
- `assembly`: a script with the parts that it uses, put together
- `steps`: several calls, for blocking and asyncio clients

Settings:

- `settings`: settings from the environment
- `addresses`: lists of client addresses
- `secret`: a value that never shows itself

Text that people, the gateway and other tools write:

- `phone`: phone numbers
- `characters`: characters that nobody sees
- `plain_text`: text of a class of its own
- `decoding`: bytes that somebody else wrote
"""
