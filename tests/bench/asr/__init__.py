"""What listening costs and how late it is: `make bench-asr`."""
