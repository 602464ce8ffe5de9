import { Button } from "@mantine/core";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { IconCalendarEvent, IconCheck, IconNote, IconPhone } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Entry } from "@/api/client";
import { completeActivity, type RecordedObject, timelineQuery } from "@/api/queries/activities";
import { useFormats } from "@/i18n/hooks";
import { sayDone, sayError } from "./say";
import { Empty, Shown } from "./States";

const KINDS = {
  call: { icon: IconPhone, colour: "teal" },
  task: { icon: IconCheck, colour: "blue" },
  appointment: { icon: IconCalendarEvent, colour: "violet" },
  note: { icon: IconNote, colour: "grey" },
} as const;

export function kindLook(kind: string) {
  return KINDS[kind as keyof typeof KINDS] ?? KINDS.note;
}

/** What is planned, the next of it first, then the past, the latest first. */
export function Timeline({ object, id }: { object: RecordedObject; id: string }) {
  const { t } = useTranslation();
  const asked = useInfiniteQuery(timelineQuery(object, id));
  return (
    <Shown of={asked}>
      {(entries) => (
        <>
          {entries.length === 0 && <Empty title={t("timeline.empty")}>{t("timeline.empty_hint")}</Empty>}
          <Part title={t("timeline.planned")} entries={entries.filter((each) => each.part === "planned")} />
          <Part title={t("timeline.past")} entries={entries.filter((each) => each.part !== "planned")} />
          {asked.hasNextPage && (
            <div className="card-body">
              <Button variant="default" loading={asked.isFetchingNextPage} onClick={() => void asked.fetchNextPage()}>
                {t("more")}
              </Button>
            </div>
          )}
        </>
      )}
    </Shown>
  );
}

function Part({ title, entries }: { title: string; entries: Entry[] }) {
  if (entries.length === 0) return null;
  return (
    <section aria-label={title}>
      <h3 className="when" style={{ margin: 0 }}>
        {title}
      </h3>
      <ul>
        {entries.map((entry) => (
          <Line key={entry.activity.id} entry={entry} />
        ))}
      </ul>
    </section>
  );
}

function Line({ entry }: { entry: Entry }) {
  const { t } = useTranslation();
  const { activity } = entry;
  const look = kindLook(activity.kind);
  const Icon = look.icon;
  const who = [activity.assignee_name ?? activity.owner_name, entry.via?.label && t("timeline.via", { name: entry.via.label })];
  return (
    <li className="entry">
      <span className="mark" style={{ "--c": `var(--${look.colour})` } as React.CSSProperties}>
        <Icon size={15} aria-label={t(`activity.kind.${activity.kind}`)} role="img" />
      </span>
      <div style={{ minWidth: 0 }}>
        <div className="row wrap" style={{ gap: "2px 8px" }}>
          <strong style={{ fontSize: 13, overflowWrap: "anywhere" }} dir="auto">
            {activity.subject}
          </strong>
          <span className="quiet grow" style={{ fontSize: 12 }}>
            {who.filter(Boolean).join(" · ")}
          </span>
          <When entry={entry} />
          {activity.status === "planned" && <Complete activityId={activity.id} subject={activity.subject} />}
        </div>
        {activity.outcome && <div className="quiet" style={{ fontSize: 12 }}>{t(`activity.outcome.${activity.outcome}`, { defaultValue: activity.outcome })}</div>}
        {activity.text && (
          <p className="text" dir="auto">
            {activity.text}
          </p>
        )}
      </div>
    </li>
  );
}

function When({ entry }: { entry: Entry }) {
  const formats = useFormats();
  const { activity } = entry;
  const at = entry.at ?? activity.starts_at ?? activity.due_on ?? activity.created_at;
  const isLate = activity.status === "planned" && Date.parse(at) < Date.now();
  const text = activity.due_on ? formats.day(activity.due_on) : formats.moment(at);
  return (
    <time dateTime={at} className={isLate ? "late num" : "quiet num"} style={{ fontSize: 12 }} title={formats.ago(at)}>
      {text}
    </time>
  );
}

export function Complete({ activityId, subject }: { activityId: string; subject: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const complete = async () => {
    try {
      await completeActivity(activityId);
      sayDone(t("activity.completed", { subject }));
    } catch (error) {
      sayError(error);
    }
    await Promise.all([client.invalidateQueries({ queryKey: ["timeline"] }), client.invalidateQueries({ queryKey: ["agenda"] })]);
  };
  return (
    <Button variant="default" leftSection={<IconCheck size={14} aria-hidden />} aria-label={t("activity.complete", { subject })} onClick={() => void complete()}>
      {t("activity.done")}
    </Button>
  );
}
