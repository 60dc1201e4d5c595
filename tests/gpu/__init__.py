"""The tests of Chatterbox again, on a CUDA device: `make test-gpu`."""
