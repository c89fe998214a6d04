"""The embedded server of the sandbox is also the tests' server."""

from worker.sandbox.redis_server import RedisServer, find_binary, free_port

__all__ = ["RedisServer", "find_binary", "free_port"]
