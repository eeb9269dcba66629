"""Where answers run: what confines them, and what goes in and comes out."""
