import { Anchor } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { Account } from "@/api/client";
import { accountQuery, changeAccount } from "@/api/queries/accounts";
import { touchQuery } from "@/api/queries/activities";
import { usePersonName } from "@/api/queries/people";
import { may, useMe } from "@/auth/session";
import { useFormats } from "@/i18n/hooks";
import { useFields, useFieldWords } from "@/meta/fields";
import { Avatar } from "@/ui/Avatar";
import { Badge } from "@/ui/Badge";
import { Composer } from "@/ui/Composer";
import { type Editing, FieldSections } from "@/ui/FieldSections";
import { Shown } from "@/ui/States";
import { Timeline } from "@/ui/Timeline";
import { Contacts } from "./Contacts";
import { DuplicateBanner } from "./DuplicateBanner";

export default function AccountRecord() {
  const { accountId } = useParams({ from: "/app/accounts/$accountId" });
  const asked = useQuery(accountQuery(accountId));
  return (
    <div className="page">
      <Shown of={asked}>{(account) => <Loaded key={account.id} account={account} />}</Shown>
    </div>
  );
}

function Loaded({ account }: { account: Account }) {
  const { t } = useTranslation();
  const editing = useEditing(account);
  return (
    <>
      <nav className="quiet" style={{ fontSize: 13, marginBottom: 8 }} aria-label={t("record.trail")}>
        <Link to="/accounts" className="link">
          {t("nav.accounts")}
        </Link>
      </nav>
      <Header account={account} />
      <DuplicateBanner accountId={account.id} />
      <div className="record">
        <div className="stack">
          <FieldSections object="account" editing={editing} />
        </div>
        <section className="card centre" aria-label={t("timeline.title")}>
          {editing.canEdit && <Composer object="account" id={account.id} />}
          <Timeline object="account" id={account.id} />
        </section>
        <div className="stack aside">
          <Contacts accountId={account.id} />
        </div>
      </div>
    </>
  );
}

function useEditing(account: Account): Editing {
  const client = useQueryClient();
  const me = useMe();
  const key = accountQuery(account.id).queryKey;
  const keep = (written: Account) => {
    client.setQueryData(key, written);
    void client.invalidateQueries({ queryKey: ["accounts", "list"] });
    return written;
  };
  return {
    record: account as Account & { [name: string]: unknown },
    canEdit: may.create(me),
    save: async (version, change) => keep(await changeAccount(account.id, version, change)) as Account & { [name: string]: unknown },
    reread: async () => (await client.fetchQuery({ ...accountQuery(account.id), staleTime: 0 })) as Account & { [name: string]: unknown },
  };
}

function Header({ account }: { account: Account }) {
  const words = useFieldWords();
  const fields = useFields("account");
  const badges = ["type", "rating", "verification"] as const;
  return (
    <header className="card">
      <div className="record-head">
        <Avatar name={account.name} size={44} />
        <div className="grow">
          <h1 dir="auto">{account.name}</h1>
          <div className="row wrap" style={{ marginTop: 4 }}>
            {badges.map((name) => {
              const field = fields.find((each) => each.name === name);
              const value = account[name];
              return field && value ? <Badge key={name} value={value} label={words.option(field, value)} /> : null;
            })}
            <Reach account={account} />
          </div>
        </div>
      </div>
      <Highlights account={account} />
    </header>
  );
}

/** Never a link to a script: what a person typed as website is only followed when it is one. */
export function webAddress(text: string): string | undefined {
  try {
    const url = new URL(text.includes("://") ? text : `https://${text}`);
    return /^https?:$/.test(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

function Reach({ account }: { account: Account }) {
  const website = account.website ? webAddress(account.website) : undefined;
  return (
    <>
      {website && (
        <Anchor href={website} target="_blank" rel="noopener noreferrer" size="sm" c="var(--link)">
          {account.website}
        </Anchor>
      )}
      {account.phone && (
        <Anchor href={`tel:${account.phone_e164 ?? account.phone}`} size="sm" c="var(--link)">
          {account.phone}
        </Anchor>
      )}
      {account.email && (
        <Anchor href={`mailto:${account.email}`} size="sm" c="var(--link)">
          {account.email}
        </Anchor>
      )}
    </>
  );
}

function Highlights({ account }: { account: Account }) {
  const { t } = useTranslation();
  const formats = useFormats();
  const personName = usePersonName();
  const touch = useQuery(touchQuery("account", account.id)).data;
  const shown: [string, string | undefined][] = [
    ["record.owner", personName(account.owner_id)],
    ["record.last_activity", touch?.last_activity ? formats.ago(touch.last_activity.at) : undefined],
    ["record.next_step", touch?.next_planned?.subject],
    ["record.employees", account.employees === null || account.employees === undefined ? undefined : formats.number(account.employees)],
    ["record.created", formats.day(account.created_at)],
  ];
  return (
    <dl className="highlights">
      {shown.map(([word, value]) => (
        <div key={word}>
          <dt>{t(word)}</dt>
          <dd className="clip num" title={value}>
            {value ?? "–"}
          </dd>
        </div>
      ))}
    </dl>
  );
}
