import { Button } from "@mantine/core";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { IconFileImport, IconPlus } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Account } from "@/api/client";
import { accountsQuery } from "@/api/queries/accounts";
import { usePersonName } from "@/api/queries/people";
import { may, useMe } from "@/auth/session";
import { useFormats } from "@/i18n/hooks";
import { ListPage, type ListView } from "@/ui/ListPage";
import { Empty } from "@/ui/States";

const pathOf = (account: Account) => `/accounts/${account.id}`;
const nameOf = (account: Account) => account.name;

export default function Accounts() {
  const search = useSearch({ from: "/app/accounts" });
  const navigate = useNavigate();
  return (
    <ListPage<Account>
      view={useView()}
      query={accountsQuery(search)}
      search={search}
      onSearch={(next) => void navigate({ to: "/accounts", search: next, replace: true })}
      onOpen={(account) => void navigate({ to: pathOf(account) })}
    />
  );
}

function useView(): ListView<Account> {
  const { t } = useTranslation();
  const formats = useFormats();
  const personName = usePersonName();
  const town = (account: Account) =>
    [account.billing?.city, account.billing?.country && formats.country(account.billing.country)].filter(Boolean).join(", ");
  return useMemo(
    () => ({
      object: "account",
      title: t("nav.accounts"),
      actions: <Actions />,
      nameOf,
      pathOf,
      cells: { billing: (account: Account) => town(account) || "–" },
      detailOf: (account: Account) => [town(account), personName(account.owner_id)].filter(Boolean).join(" · "),
      empty: <Empty title={t("accounts.none")}>{t("accounts.none_hint")}</Empty>,
    }),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- town follows formats
    [t, formats, personName],
  );
}

function Actions() {
  const { t } = useTranslation();
  const me = useMe();
  if (!may.create(me)) return null;
  return (
    <>
      <Button variant="default" component={Link} to="/import" leftSection={<IconFileImport size={15} aria-hidden />}>
        {t("nav.import")}
      </Button>
      <Button className="narrow-only" component={Link} to="/accounts/new" leftSection={<IconPlus size={15} aria-hidden />}>
        {t("accounts.new")}
      </Button>
    </>
  );
}
