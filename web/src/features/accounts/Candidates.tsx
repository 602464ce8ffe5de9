import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Candidate } from "@/api/client";
import { duplicateCheckQuery } from "@/api/queries/accounts";
import { usePersonName } from "@/api/queries/people";
import { useFormats } from "@/i18n/hooks";
import { Reasons } from "@/ui/Reasons";

const TYPED = 250;
const COMPARED = ["kind", "name", "legal_name", "tax_number", "phone", "email", "website", "billing", "first_name", "last_name"];

interface Props {
  title: string;
  candidates: Candidate[];
  hidden: number;
  isAlert?: boolean;
  children?: ReactNode;
}

/** Who it may be already, with the reasons; found while somebody types, or by the service that refused. */
export function Candidates({ title, candidates, hidden, isAlert, children }: Props) {
  const { t } = useTranslation();
  return (
    <section className="card" role={isAlert ? "alert" : undefined} aria-live={isAlert ? undefined : "polite"} aria-label={title}>
      <div className="card-head">
        <h2>{title}</h2>
      </div>
      <ul>
        {candidates.map((candidate) => (
          <Line key={candidate.id} candidate={candidate} />
        ))}
      </ul>
      {hidden > 0 && <div className="candidate quiet">{t("duplicates.hidden", { count: hidden })}</div>}
      {children && <div className="card-body">{children}</div>}
    </section>
  );
}

export function LiveCandidates({ values }: { values: { [name: string]: unknown } }) {
  const { t } = useTranslation();
  const [typed] = useDebouncedValue(JSON.stringify(compared(values)), TYPED);
  const fields = JSON.parse(typed) as { [name: string]: unknown };
  const { data } = useQuery(duplicateCheckQuery("account", fields, Object.keys(fields).length > 1));
  const found = data?.candidates ?? [];
  const hidden = data?.hidden_matches ?? 0;
  const isKnown = found.length + hidden > 0;
  return <Candidates title={t(isKnown ? "duplicates.perhaps" : "duplicates.none_like")} candidates={found} hidden={hidden} />;
}

function compared(values: { [name: string]: unknown }) {
  return Object.fromEntries(Object.entries(values).filter(([name, value]) => COMPARED.includes(name) && value));
}

function Line({ candidate }: { candidate: Candidate }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const owner = usePersonName()(candidate.owner_id);
  const label = <span dir="auto">{candidate.label}</span>;
  return (
    <li className="candidate">
      <span className="row">
        {candidate.object === "account" ? (
          <Link to="/accounts/$accountId" params={{ accountId: candidate.id }} target="_blank" className="link grow">
            {label}
          </Link>
        ) : (
          <b className="grow">{label}</b>
        )}
        <span className="num quiet">{formats.percent(candidate.score)}</span>
      </span>
      <span className="quiet">{[t(`object.${candidate.object}`), owner].filter(Boolean).join(" · ")}</span>
      <Reasons reasons={candidate.reasons ?? []} />
    </li>
  );
}
