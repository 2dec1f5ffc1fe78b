"""The events that services publish: their topics, their keys and the shape of their data (bank §2.10).

`schemas/` contains one JSON Schema for each type and version of event. These files are generated from `payloads`. The
only change that a released schema may get is a new optional property. Any other change needs a new version and a new
topic.
"""
