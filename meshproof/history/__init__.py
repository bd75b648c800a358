"""What every run came to, night after night: kept, listed, drawn, compared."""
