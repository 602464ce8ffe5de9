import "./styles/fonts.css";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./styles/tokens.css";
import "./styles/page.css";
import "./styles/shell.css";
import "./styles/list.css";
import "./styles/record.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { createRoot } from "react-dom/client";
import { startTranslations } from "./i18n";
import { queryClient, router } from "./router";
import { theme } from "./theme";

await startTranslations();
createRoot(document.getElementById("root")!).render(
  <MantineProvider theme={theme} defaultColorScheme="auto">
    <QueryClientProvider client={queryClient}>
      <Notifications position="bottom-left" limit={3} autoClose={6000} />
      <RouterProvider router={router} />
    </QueryClientProvider>
  </MantineProvider>,
);
