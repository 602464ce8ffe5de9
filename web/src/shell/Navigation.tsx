import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { duplicatesToReview } from "@/api/queries/duplicates";
import { queuesQuery } from "@/api/queries/leads";
import { useFormats } from "@/i18n/hooks";
import { DAILY, type Place, RECORDS, TOOLS } from "./places";

export function Side() {
  const { t } = useTranslation();
  return (
    <nav className="side" aria-label={t("nav.label")}>
      <Link to="/" className="brand">
        <img src="/favicon.svg" alt="" width={24} height={24} />
        {t("product")}
      </Link>
      <Group places={DAILY} />
      <span className="side-group">{t("nav.records")}</span>
      <Group places={RECORDS} />
      <span className="grow" />
      <Group places={TOOLS} />
    </nav>
  );
}

function useCounts(): Record<string, number | null | undefined> {
  const queues = useQuery(queuesQuery);
  const duplicates = useQuery(duplicatesToReview);
  const waiting = queues.data?.items.reduce((sum, queue) => sum + (queue.waiting ?? 0), 0);
  return { "/leads": waiting, "/duplicates": duplicates.data?.total };
}

function Group({ places }: { places: Place[] }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const counts = useCounts();
  return places.map(({ path, word, icon: Icon }) => {
    const count = counts[path];
    return (
      <Link key={path} to={path} className="side-link" activeOptions={{ exact: path === "/", includeSearch: false }}>
        <Icon size={18} stroke={1.6} aria-hidden />
        {t(word)}
        {count ? <span className="count num">{formats.number(count)}</span> : null}
      </Link>
    );
  });
}

export function Bottom() {
  const { t } = useTranslation();
  const places = [...DAILY, ...RECORDS, TOOLS[0]!];
  return (
    <nav className="bottom" aria-label={t("nav.label")}>
      {places.map(({ path, word, icon: Icon }) => (
        <Link key={path} to={path} activeOptions={{ exact: path === "/", includeSearch: false }}>
          <Icon size={20} stroke={1.6} aria-hidden />
          {t(word)}
        </Link>
      ))}
    </nav>
  );
}
