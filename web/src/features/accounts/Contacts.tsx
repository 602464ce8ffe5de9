import { ActionIcon } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { IconMail, IconPhone } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Contact } from "@/api/client";
import { accountContactsQuery } from "@/api/queries/accounts";
import { Avatar } from "@/ui/Avatar";
import { Empty, Shown } from "@/ui/States";

export function Contacts({ accountId }: { accountId: string }) {
  const { t } = useTranslation();
  const asked = useQuery(accountContactsQuery(accountId));
  return (
    <section className="card" aria-label={t("nav.contacts")}>
      <div className="card-head">
        <h2>{t("nav.contacts")}</h2>
      </div>
      <Shown of={asked}>
        {({ items }) => (items.length ? <ul>{items.map((contact) => <Line key={contact.id} contact={contact} />)}</ul> : <Empty title={t("contacts.none_here")} />)}
      </Shown>
    </section>
  );
}

function Line({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  const phone = contact.mobile ?? contact.phone;
  return (
    <li className="line-item">
      <Avatar name={contact.name} size={30} round />
      <span className="grow">
        <span className="clip" style={{ display: "block", fontWeight: 560 }} dir="auto">
          {contact.name}
        </span>
        <span className="clip quiet" style={{ display: "block" }}>
          {[contact.title, contact.roles.join(", ")].filter(Boolean).join(" · ")}
        </span>
      </span>
      {contact.email && !contact.email_opt_out && (
        <ActionIcon component="a" href={`mailto:${contact.email}`} aria-label={t("contacts.write", { name: contact.name })}>
          <IconMail size={16} aria-hidden />
        </ActionIcon>
      )}
      {phone && !contact.do_not_call && (
        <ActionIcon component="a" href={`tel:${phone}`} aria-label={t("contacts.call", { name: contact.name })}>
          <IconPhone size={16} aria-hidden />
        </ActionIcon>
      )}
    </li>
  );
}
