import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Contact } from "@/api/client";
import { contactsQuery } from "@/api/queries/contacts";
import { ListPage, type ListView } from "@/ui/ListPage";
import { Empty } from "@/ui/States";

const pathOf = (contact: Contact) => (contact.account_id ? `/accounts/${contact.account_id}` : "");

export default function Contacts() {
  const search = useSearch({ from: "/app/contacts" });
  const navigate = useNavigate();
  const open = (contact: Contact) => {
    if (contact.account_id) void navigate({ to: pathOf(contact) });
  };
  return <ListPage<Contact> view={useView()} query={contactsQuery(search)} search={search} onSearch={(next) => void navigate({ to: "/contacts", search: next, replace: true })} onOpen={open} />;
}

function useView(): ListView<Contact> {
  const { t } = useTranslation();
  return useMemo(
    () => ({
      object: "contact",
      title: t("nav.contacts"),
      nameOf: (contact: Contact) => contact.name,
      pathOf,
      cells: { account_id: (contact: Contact) => <AccountOf contact={contact} /> },
      detailOf: (contact: Contact) => [contact.title, contact.email, contact.mobile ?? contact.phone].filter(Boolean).join(" · "),
      empty: <Empty title={t("contacts.none")}>{t("contacts.none_hint")}</Empty>,
    }),
    [t],
  );
}

function AccountOf({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  if (!contact.account_id) return <span className="quiet">{t("contacts.private")}</span>;
  return (
    <Link to="/accounts/$accountId" params={{ accountId: contact.account_id }} className="link">
      {t("contacts.open_account")}
    </Link>
  );
}
