import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { IconDownload } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Import, ImportRow } from "@/api/client";
import { importQuery, importRowsQuery, isRunning } from "@/api/queries/imports";
import { useFormats } from "@/i18n/hooks";
import { Badge } from "@/ui/Badge";
import { Shown } from "@/ui/States";

const COUNTED = ["total", "created", "duplicate", "failed", "with_warnings"] as const;

/** How far an import is, what became of each row, and the file of those that failed. */
export function Progress({ importId }: { importId: string }) {
  const { t } = useTranslation();
  const asked = useQuery(importQuery(importId));
  return (
    <section className="card" aria-label={t("imports.progress")}>
      <Shown of={asked}>
        {(found) => (
          <>
            <Summary of={found} />
            <Rows of={found} />
          </>
        )}
      </Shown>
    </section>
  );
}

function Summary({ of }: { of: Import }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const share = of.total ? of.processed / of.total : Number(!isRunning(of));
  return (
    <div className="form">
      <div className="row wrap">
        <h2 className="grow clip" dir="auto">
          {of.filename}
        </h2>
        {of.is_dry_run && <Badge value="pending" label={t("imports.dry_run_short")} />}
        <Badge value={of.status} label={t(`imports.status.${of.status}`)} />
      </div>
      <div className="meter" role="progressbar" aria-label={t("imports.progress")} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(share * 100)}>
        <i style={{ width: `${share * 100}%` }} />
      </div>
      <dl className="counts">
        {COUNTED.map((name) => (
          <div key={name}>
            <dt>{t(`imports.count_${name}`)}</dt>
            <dd className="num">{formats.number(of[name])}</dd>
          </div>
        ))}
      </dl>
      {of.problem && <span role="alert">{of.problem}</span>}
      {of.failed > 0 && !isRunning(of) && (
        <Button component="a" href={`/api/accounts/v1/imports/${of.id}/errors.csv`} download variant="default" leftSection={<IconDownload size={15} aria-hidden />} style={{ justifySelf: "start" }}>
          {t("imports.errors_file", { count: of.failed })}
        </Button>
      )}
    </div>
  );
}

function Rows({ of }: { of: Import }) {
  const asked = useQuery(importRowsQuery(of.id, of.processed));
  return <Shown of={asked}>{({ items }) => <ul>{items.map((row) => <Line key={row.number} row={row} />)}</ul>}</Shown>;
}

interface RowProblem {
  field?: string | null;
  detail?: string;
}

function Line({ row }: { row: ImportRow }) {
  const { t } = useTranslation();
  const problems = (row.problems as RowProblem[]).map((each) => each.detail).filter(Boolean);
  const target = row.record_id ?? row.duplicate_of;
  return (
    <li className="line-item">
      <span className="num quiet" style={{ width: 44 }}>
        {row.number}
      </span>
      <Badge value={row.outcome} label={t(`imports.outcome.${row.outcome}`, { defaultValue: row.outcome })} />
      <span className="grow clip" title={problems.join(" ")} dir="auto">
        {problems.join(" ") || row.cells?.filter(Boolean).slice(0, 3).join(" · ")}
      </span>
      {target && (
        <Link to="/accounts/$accountId" params={{ accountId: target }} className="link" aria-label={t("imports.open_row", { number: row.number })}>
          {t("imports.open")}
        </Link>
      )}
    </li>
  );
}
