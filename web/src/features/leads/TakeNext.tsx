import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { IconHandGrab } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { newIdempotencyKey } from "@/api/client";
import { queuesQuery, takeNext } from "@/api/queries/leads";
import { may, useMe } from "@/auth/session";
import { sayDone, sayError } from "@/ui/say";
import { leadName } from "./List";

/** The lead that has waited longest becomes mine. A queue that I am not a member of has no button. */
export function TakeNext() {
  const { t } = useTranslation();
  const me = useMe();
  const queues = useQuery(queuesQuery).data?.items ?? [];
  if (!may.take(me)) return null;
  const mine = queues.filter((queue) => queue.member_ids.includes(me.id) || queue.team_ids.some((team) => me.team_ids.includes(team)));
  return mine.map((queue) => <TakeFrom key={queue.id} id={queue.id} label={t("leads.take", { count: queue.waiting ?? 0, queue: queue.name })} />);
}

function TakeFrom({ id, label }: { id: string; label: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const key = useRef(newIdempotencyKey());
  const [isBusy, setBusy] = useState(false);
  const take = async () => {
    setBusy(true);
    try {
      const lead = await takeNext(id, key.current);
      key.current = newIdempotencyKey();
      sayDone(lead ? t("leads.taken", { name: leadName(lead) }) : t("leads.nothing_waits"));
    } catch (error) {
      sayError(error);
    }
    setBusy(false);
    await Promise.all([client.invalidateQueries({ queryKey: ["leads"] }), client.invalidateQueries({ queryKey: ["queues"] })]);
  };
  return (
    <Button loading={isBusy} leftSection={<IconHandGrab size={15} aria-hidden />} onClick={() => void take()}>
      {label}
    </Button>
  );
}
