"""Mutual TLS between processes: each process has a certificate with its identity, and checks the one of its peer.

- `files`: the certificate, key and authorities of a process, checked when they are read.
- `contexts`: TLS contexts that use the newest files for each handshake.
- `failures`: why a connection could not be opened, as a stable code and a sentence.
- `peer`: the identity of the client of a connection. Servers put it into the ASGI scope under `PEER`.
- `caller_check`: the middleware that refuses requests of processes that may not send them.
- `process_files`: the files of this process, from the variables `MOSAFE_TLS_*`.

An identity is a URI in the certificate's subject alternative names, such as `spiffe://mosafe/account` (SPIFFE
X.509-SVID). It says who a process is; the host name in the certificate only says where it is.
"""
