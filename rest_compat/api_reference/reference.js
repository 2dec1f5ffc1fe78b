// Shows the OpenAPI document with Swagger UI. Nothing is loaded from, or sent to, another server.
{
  const place = document.getElementById('reference');
  SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    deepLinking: false, // its links stand inside buttons, which screen readers cannot announce
    displayRequestDuration: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    filter: false,
    tryItOutEnabled: false,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    layout: 'BaseLayout',
  });
}
