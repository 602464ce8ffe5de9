"use strict";

// A browser that is signed in may change things only with its session's CSRF token.
let csrfToken;

async function readCsrfToken() {
  const answer = await fetch("/session", { headers: { Accept: "application/json" } });
  csrfToken = answer.ok ? (await answer.json()).csrf_token : undefined;
}

async function withCsrfToken(request) {
  if (!["GET", "HEAD", "OPTIONS"].includes((request.method || "GET").toUpperCase())) {
    await readCsrfToken();
    if (csrfToken) request.headers["X-CSRF-Token"] = csrfToken;
  }
  return request;
}

function followColourScheme() {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();
}

window.addEventListener("load", () => {
  followColourScheme();
  window.SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#viewer",
    deepLinking: true,
    docExpansion: "none",
    filter: true,
    tagsSorter: "alpha",
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    requestInterceptor: withCsrfToken,
  });
});
