"""The events that services publish: their topics, their keys and the shape of their data (bank §2.10).

`schemas/` has a JSON Schema for each type of event and version, written from `payloads`. A released schema gets new
optional properties only; anything else is a new version with a new topic.
"""
