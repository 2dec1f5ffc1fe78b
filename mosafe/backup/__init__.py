"""`mosafe backup`: encrypted backups of all stores of an installation, and their restore.

A backup is a folder (or a prefix of an object store) with one encrypted file for each part of a store, and a manifest.
The manifest is written last, so a backup without a manifest was cut off and is never listed.

```
20261130T030000Z-4f1c9a/
  manifest.json                              what is in the backup, with sizes and SHA-256 of each file
  transaction/orders.bson.gz.age             BSON documents or an SQLite file: compressed, then encrypted
  auth/users.copy.gz.age                     rows in the text format of PostgreSQL's COPY
  kafka/offsets.json.gz.age                  positions of the consumer groups
  secrets/secrets.json.gz.age                generated secrets of the data directory
```

The file format is [age](https://age-encryption.org/v1). The machine that makes backups needs only the public key, and
`age --decrypt` reads the files without MoSafe.

Read in this order: `manifest`, `store_snapshot`, the three `*_snapshot` modules, `create`, then `restore` with the
three `*_restore` modules. `destination` and `s3_destination` are the places of backups.
"""
