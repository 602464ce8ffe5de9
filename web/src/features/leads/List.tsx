import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Lead } from "@/api/client";
import { leadsQuery } from "@/api/queries/leads";
import { usePersonName } from "@/api/queries/people";
import { ListPage, type ListView } from "@/ui/ListPage";
import { Empty } from "@/ui/States";
import { TakeNext } from "./TakeNext";

export const leadName = (lead: Lead) => [lead.first_name, lead.last_name].filter(Boolean).join(" ");

export default function Leads() {
  const search = useSearch({ from: "/app/leads" });
  const navigate = useNavigate();
  return <ListPage<Lead> view={useView()} query={leadsQuery(search)} search={search} onSearch={(next) => void navigate({ to: "/leads", search: next, replace: true })} onOpen={() => undefined} />;
}

function useView(): ListView<Lead> {
  const { t } = useTranslation();
  const personName = usePersonName();
  return useMemo(
    () => ({
      object: "lead",
      title: t("nav.leads"),
      actions: <TakeNext />,
      nameOf: leadName,
      cells: { owner_id: (lead: Lead) => personName(lead.owner_id) ?? <span className="quiet">{t("leads.waits")}</span> },
      detailOf: (lead: Lead) => [lead.company, lead.city, lead.phone].filter(Boolean).join(" · "),
      empty: <Empty title={t("leads.none")}>{t("leads.none_hint")}</Empty>,
    }),
    [t, personName],
  );
}
