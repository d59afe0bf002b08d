"""How each ml op becomes loops: its scalar body, its index maps, its nests."""
