import { useMantineColorScheme } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Outlet, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { listen } from "@/api/events";
import { SessionEnded } from "@/auth/SessionEnded";
import { useKeys } from "@/ui/keys";
import { sayDone } from "@/ui/say";
import { Bottom, Side } from "./Navigation";
import { Offline } from "./Offline";
import { Palette } from "./Palette";
import { PLACES } from "./places";
import { Shortcuts } from "./Shortcuts";
import { Top } from "./Top";

export function Shell() {
  const { t } = useTranslation();
  const [dialog, setDialog] = useState<"palette" | "keys" | null>(null);
  useLive();
  useShellKeys((name) => setDialog(name));
  const close = () => setDialog(null);
  return (
    <>
      <a className="skip" href="#main">
        {t("nav.skip")}
      </a>
      <div className="shell">
        <Side />
        <Top onSearch={() => setDialog("palette")} onKeys={() => setDialog("keys")} />
        <main id="main" className="main" tabIndex={-1}>
          <Offline />
          <Outlet />
        </main>
        <Bottom />
      </div>
      <Palette isOpen={dialog === "palette"} onClose={close} />
      <Shortcuts isOpen={dialog === "keys"} onClose={close} />
      <SessionEnded />
    </>
  );
}

function useLive() {
  const client = useQueryClient();
  useEffect(() => listen(client, (notice) => sayDone(notice.title)), [client]);
}

function useShellKeys(open: (dialog: "palette" | "keys") => void) {
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const isDark = colorScheme === "dark" || (colorScheme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  const places = PLACES.map(({ key, path }) => [`g ${key}`, () => void navigate({ to: path })] as const);
  useKeys({
    ...Object.fromEntries(places),
    "g t": () => void navigate({ to: "/", hash: "tasks" }),
    "n a": () => void navigate({ to: "/accounts/new" }),
    "shift+d": () => setColorScheme(isDark ? "light" : "dark"),
    "?": () => open("keys"),
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "k") return;
      event.preventDefault();
      open("palette");
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [open]);
}
