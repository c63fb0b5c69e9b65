"""The story that `ecert demo` tells, with invented persons and companies."""
