// Runs before anything is painted, so that a dark screen never flashes white.
(function () {
  var root = document.documentElement;
  var chosen = null;
  try {
    chosen = localStorage.getItem("mantine-color-scheme-value");
    root.dataset.density = localStorage.getItem("meridian.density") || "comfortable";
  } catch (_) {
    // Without storage the system decides.
  }
  var systemIsDark = matchMedia("(prefers-color-scheme: dark)").matches;
  var isDark = chosen === "dark" || (chosen !== "light" && systemIsDark);
  root.setAttribute("data-mantine-color-scheme", isDark ? "dark" : "light");
})();
