"""What we are compared with: services and libraries that a good programmer would otherwise use, written well.

They get the same requests, keys, status cache and core as ours, and do *less*: no strict reading, no trust
chain, no selective disclosure, no step-by-step findings, no freshness. Where that makes them faster, the gain
is theirs.
"""
