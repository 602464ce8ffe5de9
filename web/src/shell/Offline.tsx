import { useNetwork } from "@mantine/hooks";
import { useTranslation } from "react-i18next";

export function Offline() {
  const { t } = useTranslation();
  const { online } = useNetwork();
  return online ? null : (
    <div className="bar-note" role="status">
      {t("offline")}
    </div>
  );
}
