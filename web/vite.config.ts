import path from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const VENDOR =
  /node_modules[\\/](react|react-dom|scheduler|i18next|react-i18next|openapi-fetch|clsx|@floating-ui|@tanstack[\\/](react-router|router-core|react-query|query-core|history|store|react-store)|@mantine[\\/](core|hooks|notifications|store))/;

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": path.resolve(import.meta.dirname, "src") } },
  server: { proxy: { "/api": "http://127.0.0.1:8000", "/session": "http://127.0.0.1:8000" } },
  build: {
    target: "baseline-widely-available",
    manifest: true,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        // Without groups a page is dozens of tiny files; a group takes its dependencies along, hence the priorities.
        codeSplitting: {
          groups: [
            { name: "vendor", test: VENDOR, priority: 20 },
            { name: "ui", test: /node_modules[\\/]@tabler|src[\\/](ui|meta|api|i18n[\\/]\w+\.ts|auth)/, priority: 10, minShareCount: 2 },
          ],
        },
      },
    },
  },
});
