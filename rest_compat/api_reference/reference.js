// Shows the OpenAPI document with Swagger UI. Nothing is loaded from, or sent to, another server.
{
  const place = document.getElementById('reference');

  // Controls of Swagger UI that have no name for a screen reader, and the name that each gets.
  const NAMES = {
    '.copy-to-clipboard button': 'Copy',
    'textarea.body-param__text': 'Request body',
    'textarea.curl': 'The request, as a command of curl',
    'select.examples-select-element': 'Example',
    'select.content-type': 'Media type',
    '#servers': 'Server',
    '.auth-container input': 'Access token',
  };

  const nameControls = () => {
    for (const [selector, name] of Object.entries(NAMES)) {
      for (const control of place.querySelectorAll(selector)) {
        if (!control.hasAttribute('aria-label')) control.setAttribute('aria-label', name);
      }
    }
    // People without a mouse can scroll only what can have the focus.
    for (const code of place.querySelectorAll('pre.microlight:not([tabindex])')) code.tabIndex = 0;
    for (const body of place.querySelectorAll('.opblock-body:not([tabindex])')) {
      Object.assign(body, { tabIndex: 0, role: 'region', ariaLabel: 'Operation' });
    }
  };

  let isPlanned = false;
  new MutationObserver(() => {
    if (isPlanned) return;
    isPlanned = true;
    requestAnimationFrame(() => {
      isPlanned = false;
      nameControls();
    });
  }).observe(place, { childList: true, subtree: true });

  SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    deepLinking: false, // its links stand inside buttons, which screen readers cannot announce
    displayRequestDuration: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    layout: 'BaseLayout',
  });
}
