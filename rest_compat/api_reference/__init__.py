"""The API reference for people at `/docs`: Swagger UI over the OpenAPI document.

`api_reference` serves it. The other files are the page around Swagger UI, which `fastapi-offline` carries.
"""
