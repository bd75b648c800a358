"""What can be seen from outside an exchange: the proxies' counters."""
