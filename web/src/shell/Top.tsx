import { ActionIcon, Button, Menu, useMantineColorScheme } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { IconKeyboard, IconLogout, IconPlus, IconSearch } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { signOut } from "@/api/queries/session";
import { may, useMe } from "@/auth/session";
import { chooseLanguage, type Language, LANGUAGES } from "@/i18n";
import { Avatar, initials } from "@/ui/Avatar";
import { sayError } from "@/ui/say";
import { Bell } from "./Bell";

export function Top({ onSearch, onKeys }: { onSearch: () => void; onKeys: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <header className="top">
      <button type="button" className="plain searchbox" onClick={onSearch}>
        <IconSearch size={16} aria-hidden />
        {t("search.placeholder")}
        <kbd className="key wide-only">{t("keys.ctrl_k")}</kbd>
      </button>
      <span className="grow" />
      {may.create(me) && (
        <Button className="wide-only" component={Link} to="/accounts/new" leftSection={<IconPlus size={15} aria-hidden />}>
          {t("accounts.new")}
        </Button>
      )}
      <Bell />
      <Me onKeys={onKeys} />
    </header>
  );
}

const SCHEMES = ["auto", "light", "dark"] as const;

function Me({ onKeys }: { onKeys: () => void }) {
  const { t, i18n } = useTranslation();
  const me = useMe();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const leave = useSignOut();
  return (
    <Menu position="bottom-end" width={230}>
      <Menu.Target>
        <ActionIcon size={34} radius="xl" aria-label={t("me.menu", { name: me.name, initials: initials(me.name) })}>
          <Avatar name={me.name} size={30} round />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.name} · {me.email}
        </Menu.Label>
        <Menu.Divider />
        <Menu.Label>{t("me.theme")}</Menu.Label>
        <Menu.RadioGroup value={colorScheme} onChange={(scheme) => setColorScheme(scheme as (typeof SCHEMES)[number])}>
          {SCHEMES.map((scheme) => (
            <Menu.RadioItem key={scheme} value={scheme}>
              {t(`me.theme_${scheme}`)}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Label>{t("me.language")}</Menu.Label>
        <Menu.RadioGroup value={i18n.language} onChange={(code) => void chooseLanguage(code as Language)}>
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <Menu.RadioItem key={code} value={code} lang={code}>
              {name}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Divider />
        <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} onClick={onKeys}>
          {t("keys.title")}
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void leave()}>
          {t("me.sign_out")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function useSignOut() {
  const client = useQueryClient();
  const navigate = useNavigate();
  return async () => {
    try {
      await signOut();
    } catch (error) {
      sayError(error);
      return;
    }
    await navigate({ to: "/sign-in", search: {} });
    client.clear();
  };
}
