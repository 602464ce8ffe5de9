import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Empty, Failed } from "@/ui/States";

export function Missing() {
  const { t } = useTranslation();
  const home = (
    <Button component={Link} to="/">
      {t("nav.home")}
    </Button>
  );
  return (
    <div className="page">
      <h1 className="sr">{t("missing.title")}</h1>
      <Empty title={t("missing.title")} action={home}>
        {t("missing.hint")}
      </Empty>
    </div>
  );
}

export function Broken({ error, reset }: { error: unknown; reset: () => void }) {
  return (
    <div className="page">
      <Failed error={error} retry={reset} />
    </div>
  );
}
