"""Which message is where: transitions of records, one Lua script each."""
