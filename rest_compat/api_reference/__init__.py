"""The API reference at `/docs`: Swagger UI over the OpenAPI document.

`api_reference` serves the page. The other files are the page that contains Swagger UI. Swagger UI itself comes from the
package `fastapi-offline`.
"""
