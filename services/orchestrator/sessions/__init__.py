"""What is kept of conversations while their clients come and go: in this process, or in Redis."""
