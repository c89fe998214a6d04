"""How a feed reads its stream; written once for both kinds of client."""
