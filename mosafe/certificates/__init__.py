"""The platform's own certificate authority: `mosafe certs`.

- `issuing`: makes authorities and certificates, in memory.
- `folder`: where they are on the disk, and when they are replaced.
- `process_folder`: the files of one process.
- `keeping`: what a folder needs from time to time.
- `commands`: the command line.
"""
