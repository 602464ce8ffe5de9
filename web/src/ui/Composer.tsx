import { Button, NativeSelect, SegmentedControl, Textarea, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { newIdempotencyKey } from "@/api/client";
import { asApiError } from "@/api/errors";
import { type NewActivity, recordActivity, type RecordedObject } from "@/api/queries/activities";
import { sayDone } from "./say";
import { useErrorText } from "./States";

type Kind = "note" | "call" | "task";

export interface Draft {
  kind: Kind;
  subject: string;
  text: string;
  outcome: string;
  due: string;
  remind: string;
}

const NOTHING: Draft = { kind: "note", subject: "", text: "", outcome: "reached", due: "", remind: "0" };
const OUTCOMES = ["reached", "no_answer", "left_message", "busy", "call_back"];
const REMINDERS = ["0", "15", "60", "1440", "none"];

/** What the server is asked to record; undefined while something that it needs is missing. */
export function activityOf(draft: Draft, object: RecordedObject, id: string): NewActivity | undefined {
  const shared = { kind: draft.kind, text: draft.text || null, links: [{ object, id }] };
  if (draft.kind === "note") return draft.text.trim() ? { ...shared, status: "done" } : undefined;
  if (!draft.subject.trim()) return undefined;
  if (draft.kind === "call") return { ...shared, subject: draft.subject, status: "done", outcome: draft.outcome };
  if (!draft.due) return undefined;
  const reminders = draft.remind === "none" ? [] : [{ minutes_before: Number(draft.remind), channels: ["app" as const, "email" as const] }];
  return { ...shared, subject: draft.subject, status: "planned", wall_time: `${draft.due}:00`, reminders };
}

/** Note, call or follow-up. What is typed stays until the server has it. */
export function Composer({ object, id }: { object: RecordedObject; id: string }) {
  const { t } = useTranslation();
  const [draft, setDraft] = useState(NOTHING);
  const posting = usePosting();
  const activity = activityOf(draft, object, id);
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const post = async () => {
    if (activity && (await posting.post(activity))) setDraft({ ...NOTHING, kind: draft.kind });
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void post();
  };
  const data = (["note", "call", "task"] as const).map((value) => ({ value, label: t(`composer.${value}`) }));
  return (
    <div className="composer" onKeyDown={onKeyDown}>
      <SegmentedControl aria-label={t("composer.kind")} data={data} value={draft.kind} onChange={(kind) => change({ kind: kind as Kind })} style={{ justifySelf: "start" }} />
      {draft.kind !== "note" && (
        <TextInput aria-label={t("composer.subject")} placeholder={t("composer.subject")} value={draft.subject} onChange={(event) => change({ subject: event.currentTarget.value })} />
      )}
      <Textarea autosize minRows={2} maxRows={12} aria-label={t(`composer.text_${draft.kind}`)} placeholder={t(`composer.text_${draft.kind}`)} value={draft.text} onChange={(event) => change({ text: event.currentTarget.value })} />
      {posting.error && (
        <span role="alert" style={{ color: "var(--red)", fontSize: 13 }}>
          {posting.error}
        </span>
      )}
      <div className="row wrap">
        {draft.kind === "call" && <Outcome draft={draft} change={change} />}
        {draft.kind === "task" && <Due draft={draft} change={change} />}
        <Button disabled={!activity} loading={posting.isBusy} onClick={() => void post()}>
          {t(`composer.save_${draft.kind}`)}
        </Button>
        <kbd className="key wide-only">{t("keys.ctrl_enter")}</kbd>
      </div>
    </div>
  );
}

type PartProps = { draft: Draft; change: (part: Partial<Draft>) => void };

function Outcome({ draft, change }: PartProps) {
  const { t } = useTranslation();
  const data = OUTCOMES.map((value) => ({ value, label: t(`activity.outcome.${value}`) }));
  return <NativeSelect aria-label={t("composer.outcome")} data={data} value={draft.outcome} onChange={(event) => change({ outcome: event.currentTarget.value })} />;
}

function Due({ draft, change }: PartProps) {
  const { t } = useTranslation();
  const data = REMINDERS.map((value) => ({ value, label: t(`composer.remind_${value}`) }));
  return (
    <>
      <TextInput type="datetime-local" aria-label={t("composer.due")} value={draft.due} onChange={(event) => change({ due: event.currentTarget.value })} />
      <NativeSelect aria-label={t("composer.remind")} data={data} value={draft.remind} onChange={(event) => change({ remind: event.currentTarget.value })} />
    </>
  );
}

function usePosting() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const text = useErrorText();
  const key = useRef(newIdempotencyKey());
  const [state, setState] = useState<{ isBusy: boolean; error?: string }>({ isBusy: false });
  const post = async (activity: NewActivity): Promise<boolean> => {
    if (state.isBusy) return false;
    setState({ isBusy: true });
    try {
      const written = await recordActivity(activity, key.current);
      key.current = newIdempotencyKey();
      setState({ isBusy: false, error: written.warnings?.[0]?.detail });
      sayDone(t(`composer.saved_${activity.kind}`));
      await client.invalidateQueries({ queryKey: ["timeline"] });
      return true;
    } catch (error) {
      const known = asApiError(error);
      // Refused for what it says: the corrected text is another request.
      if (known.status >= 400 && known.status < 500) key.current = newIdempotencyKey();
      setState({ isBusy: false, error: known.problem.errors?.[0]?.detail ?? text(known) });
      return false;
    }
  };
  return { ...state, post };
}
