"""What stands in for the rest of the world.

Small servers that speak the real wires (of our services, of an LLM, of others' services and hubs),
our own services around engines that cost nothing, clients that leave badly, and a clock.
"""
