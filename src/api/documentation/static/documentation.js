SwaggerUIBundle({
  url: "/schema/openapi.json",
  dom_id: "#documentation",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  // Nothing is sent to anyone else: by default Swagger UI has a service judge the document.
  validatorUrl: null,
});
