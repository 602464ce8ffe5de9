import { Button } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { duplicatesQuery } from "@/api/queries/duplicates";
import { useFormats } from "@/i18n/hooks";

/** That the record may be somebody else's twin; sets beyond the first page are found in the queue only. */
export function DuplicateBanner({ accountId }: { accountId: string }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const { data } = useInfiniteQuery(duplicatesQuery);
  const sets = data?.pages.flatMap((page) => page.items) ?? [];
  const mine = sets.find((each) => each.members.some((member) => member.id === accountId));
  const other = mine?.members.find((member) => member.id !== accountId);
  if (!mine || !other) return null;
  return (
    <div className="notice" style={{ "--c": "var(--amber)", marginTop: 12 } as React.CSSProperties}>
      <IconAlertTriangle size={18} aria-hidden />
      <span className="grow" dir="auto">
        {t("duplicates.banner", { name: other.label, score: formats.percent(mine.score) })}
      </span>
      <Button variant="default" component={Link} to="/duplicates">
        {t("duplicates.review")}
      </Button>
    </div>
  );
}
