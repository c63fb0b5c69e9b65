"""The rules of the house, as functions over a source tree and as tests that run them."""
