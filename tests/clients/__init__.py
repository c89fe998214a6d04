"""What an application may bring: other versions of redis-py. `make clients` needs a registry of packages."""
