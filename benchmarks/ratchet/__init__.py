"""The ratchet: a request must not take more instructions of the processor than before."""
