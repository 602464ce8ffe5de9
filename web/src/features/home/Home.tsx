import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Activity, Lead } from "@/api/client";
import { agendaQuery, latestQuery } from "@/api/queries/activities";
import { duplicatesToReview } from "@/api/queries/duplicates";
import { leadsQuery } from "@/api/queries/leads";
import { useMe } from "@/auth/session";
import { useFormats } from "@/i18n/hooks";
import { Avatar } from "@/ui/Avatar";
import { Empty, Shown } from "@/ui/States";
import { Complete, kindLook } from "@/ui/Timeline";

const FEW = 6;
const NEW_LEADS = { f: ["status:eq:new"], sort: "-arrived_at" };

export default function Home() {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t("home.hello", { name: me.name.split(" ")[0] })}</h1>
      </div>
      <div className="home">
        <div className="stack">
          <Tasks />
          <Latest />
        </div>
        <div className="stack">
          <NewLeads />
          <Duplicates />
        </div>
      </div>
    </div>
  );
}

function Card({ title, to, id, children }: { title: string; to?: string; id?: string; children: ReactNode }) {
  const { t } = useTranslation();
  return (
    <section className="card" aria-label={title} id={id}>
      <div className="card-head">
        <h2>{title}</h2>
        {to && (
          <Link to={to} className="link quiet" style={{ fontSize: 13 }} aria-label={t("home.all_of", { title })}>
            {t("home.all")}
          </Link>
        )}
      </div>
      {children}
    </section>
  );
}

function Tasks() {
  const { t } = useTranslation();
  const asked = useQuery(agendaQuery);
  return (
    <Card title={t("home.tasks")} id="tasks">
      <Shown of={asked}>
        {({ overdue, today, upcoming }) => (
          <>
            <Due title={t("home.overdue")} activities={overdue.map((item) => item.activity)} isLate />
            <Due title={t("home.today")} activities={today.map((item) => item.activity)} />
            <Due title={t("home.upcoming")} activities={upcoming.map((item) => item.activity)} />
            {overdue.length + today.length + upcoming.length === 0 && <Empty title={t("home.nothing_due")}>{t("home.nothing_due_hint")}</Empty>}
          </>
        )}
      </Shown>
    </Card>
  );
}

/** Planned calls on top: somebody waits for them. */
function callsFirst(activities: Activity[]): Activity[] {
  return [...activities].sort((one, other) => Number(other.kind === "call") - Number(one.kind === "call"));
}

function Due({ title, activities, isLate = false }: { title: string; activities: Activity[]; isLate?: boolean }) {
  if (activities.length === 0) return null;
  return (
    <>
      <h3 className="when" style={{ margin: 0 }}>
        {title}
      </h3>
      <ul>
        {callsFirst(activities).map((activity) => (
          <Task key={activity.id} activity={activity} isLate={isLate} />
        ))}
      </ul>
    </>
  );
}

function Task({ activity, isLate }: { activity: Activity; isLate: boolean }) {
  const formats = useFormats();
  const at = activity.due_on ? formats.day(activity.due_on) : formats.moment(activity.starts_at ?? activity.created_at);
  return (
    <li className="line-item" style={{ flexWrap: "wrap" }}>
      <KindMark activity={activity} />
      <span className="grow">
        <b dir="auto">{activity.subject}</b> <About activity={activity} />
      </span>
      <span className={isLate ? "late num" : "quiet num"}>{at}</span>
      <Complete activityId={activity.id} subject={activity.subject} />
    </li>
  );
}

function KindMark({ activity }: { activity: Activity }) {
  const { t } = useTranslation();
  const look = kindLook(activity.kind);
  const Icon = look.icon;
  return <Icon size={17} color={`var(--${look.colour})`} role="img" aria-label={t(`activity.kind.${activity.kind}`)} style={{ flex: "none" }} />;
}

function About({ activity }: { activity: Activity }) {
  const link = activity.links.find((each) => each.object === "account" && each.label);
  if (!link) return <span className="quiet">{activity.links.find((each) => each.label)?.label}</span>;
  return (
    <Link to="/accounts/$accountId" params={{ accountId: link.id }} className="link quiet" dir="auto">
      {link.label}
    </Link>
  );
}

function NewLeads() {
  const { t } = useTranslation();
  const formats = useFormats();
  const asked = useInfiniteQuery(leadsQuery(NEW_LEADS));
  const leads = asked.data?.pages[0]?.items.slice(0, FEW);
  return (
    <Card title={t("home.new_leads")} to="/leads">
      <Shown of={{ ...asked, data: leads }}>
        {(shown) => (
          <ul>
            {shown.map((lead: Lead) => (
              <li key={lead.id} className="line-item">
                <Avatar name={lead.last_name} round />
                <span className="grow clip" dir="auto">
                  <b>{[lead.first_name, lead.last_name].filter(Boolean).join(" ")}</b> <span className="quiet">{lead.company}</span>
                </span>
                <span className="quiet" style={{ whiteSpace: "nowrap" }}>
                  {formats.ago(lead.arrived_at)}
                </span>
              </li>
            ))}
            {shown.length === 0 && <Empty title={t("leads.none")} />}
          </ul>
        )}
      </Shown>
    </Card>
  );
}

function Duplicates() {
  const { t } = useTranslation();
  const formats = useFormats();
  const asked = useQuery(duplicatesToReview);
  return (
    <Card title={t("home.duplicates")} to="/duplicates">
      <Shown of={asked}>
        {({ items }) => (
          <ul>
            {items.map((each) => (
              <li key={each.id} className="line-item">
                <span className="grow clip" dir="auto">
                  {each.members.map((member) => member.label).join(" = ")}
                </span>
                <span className="quiet num">{formats.percent(each.score)}</span>
              </li>
            ))}
            {items.length === 0 && <Empty title={t("duplicates.none")} />}
          </ul>
        )}
      </Shown>
    </Card>
  );
}

function Latest() {
  const { t } = useTranslation();
  const formats = useFormats();
  const asked = useQuery(latestQuery);
  return (
    <Card title={t("home.latest")}>
      <Shown of={asked}>
        {({ items }) => (
          <ul>
            {items.map((activity) => (
              <li key={activity.id} className="line-item">
                <KindMark activity={activity} />
                <span className="grow clip">
                  <b dir="auto">{activity.subject}</b> <About activity={activity} />
                </span>
                <span className="quiet clip">{[activity.assignee_name ?? activity.owner_name, formats.ago(activity.completed_at ?? activity.updated_at)].filter(Boolean).join(" · ")}</span>
              </li>
            ))}
            {items.length === 0 && <Empty title={t("timeline.empty")} />}
          </ul>
        )}
      </Shown>
    </Card>
  );
}
