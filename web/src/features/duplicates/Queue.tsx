import { Button, Modal, Textarea } from "@mantine/core";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { DuplicateSet } from "@/api/client";
import { dismissSet, duplicatesQuery } from "@/api/queries/duplicates";
import { may, useMe } from "@/auth/session";
import { useFormats } from "@/i18n/hooks";
import { Reasons } from "@/ui/Reasons";
import { sayDone, sayError } from "@/ui/say";
import { Empty, Shown } from "@/ui/States";

export default function Duplicates() {
  const { t } = useTranslation();
  const asked = useInfiniteQuery(duplicatesQuery);
  const total = asked.data?.pages[0]?.total;
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t("nav.duplicates")}</h1>
        {total !== null && total !== undefined && <span className="quiet num">{t("duplicates.count", { count: total })}</span>}
      </div>
      <Shown of={{ ...asked, data: asked.data?.pages.flatMap((page) => page.items) }}>
        {(sets) => (
          <div className="stack">
            {sets.map((each) => (
              <Suspects key={each.id} set={each} />
            ))}
            {sets.length === 0 && (
              <div className="card">
                <Empty title={t("duplicates.none")}>{t("duplicates.none_hint")}</Empty>
              </div>
            )}
            {asked.hasNextPage && (
              <Button variant="default" style={{ justifySelf: "start" }} loading={asked.isFetchingNextPage} onClick={() => void asked.fetchNextPage()}>
                {t("more")}
              </Button>
            )}
          </div>
        )}
      </Shown>
    </div>
  );
}

function Suspects({ set }: { set: DuplicateSet }) {
  const { t } = useTranslation();
  const me = useMe();
  const formats = useFormats();
  const [isOpen, setOpen] = useState(false);
  const title = t("duplicates.alike", { score: formats.percent(set.score), object: t(`object.${set.object}`) });
  return (
    <section className="card" aria-label={title}>
      <div className="card-head">
        <h2>{title}</h2>
        {may.create(me) && (
          <Button variant="default" onClick={() => setOpen(true)}>
            {t("duplicates.distinct")}
          </Button>
        )}
      </div>
      <Members set={set} />
      {isOpen && <Dismissal set={set} onClose={() => setOpen(false)} />}
    </section>
  );
}

function Members({ set }: { set: DuplicateSet }) {
  const { t } = useTranslation();
  return (
    <ul className="members">
      {set.members.map((member) => (
        <li key={member.id}>
          {member.object === "account" && !member.is_deleted ? (
            <Link to="/accounts/$accountId" params={{ accountId: member.id }} className="link" dir="auto">
              {member.label}
            </Link>
          ) : (
            <b dir="auto">{member.label}</b>
          )}
          <span className="quiet">{[t(`object.${member.object}`), member.owner_name].filter(Boolean).join(" · ")}</span>
          <Reasons reasons={member.reasons} />
        </li>
      ))}
      {set.hidden_members > 0 && <li className="quiet">{t("duplicates.hidden", { count: set.hidden_members })}</li>}
    </ul>
  );
}

function Dismissal({ set, onClose }: { set: DuplicateSet; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [reason, setReason] = useState("");
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await dismissSet(set.id, reason);
      sayDone(t("duplicates.dismissed"));
      onClose();
    } catch (error) {
      setBusy(false);
      sayError(error);
    }
    await client.invalidateQueries({ queryKey: ["duplicates"] });
  };
  return (
    <Modal opened onClose={onClose} title={t("duplicates.distinct")} closeButtonProps={{ "aria-label": t("close") }}>
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <Textarea data-autofocus required autosize minRows={2} label={t("duplicates.why")} description={t("duplicates.why_hint")} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        <Button type="submit" loading={isBusy} disabled={!reason.trim()} style={{ justifySelf: "start" }}>
          {t("duplicates.remember")}
        </Button>
      </form>
    </Modal>
  );
}
