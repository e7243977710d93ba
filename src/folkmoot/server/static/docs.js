// Starts the OpenAPI reader; kept out of the page so that no inline script is needed.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reader",
  deepLinking: true,
  validatorUrl: null,
});
