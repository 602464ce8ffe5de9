import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { asApiError } from "@/api/errors";
import { sessionQuery, signIn } from "@/api/queries/session";
import { showProfileLanguage } from "@/i18n";
import { useErrorText } from "@/ui/States";
import { safeReturn } from "./session";

/** Signing in, told in the person's words: 401 here means the password, not an ended session. */
export function useSignIn() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const text = useErrorText();
  const [state, setState] = useState<{ isBusy: boolean; error?: string }>({ isBusy: false });
  const run = async (email: string, password: string): Promise<boolean> => {
    setState({ isBusy: true });
    try {
      const session = await signIn(email, password);
      client.setQueryData(sessionQuery.queryKey, session);
      await showProfileLanguage(session.user.locale);
      setState({ isBusy: false });
      return true;
    } catch (error) {
      const isRefused = [401, 422].includes(asApiError(error).status);
      setState({ isBusy: false, error: isRefused ? t("sign_in.refused") : text(error) });
      return false;
    }
  };
  return { ...state, run };
}

export default function SignIn() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { to } = useSearch({ from: "/sign-in" });
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const signing = useSignIn();
  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    if (await signing.run(email, password)) await navigate({ href: safeReturn(to), replace: true });
  };
  return (
    <main className="sign-in">
      <form onSubmit={(event) => void submit(event)}>
        <img src="/favicon.svg" alt="" width={40} height={40} />
        <h1>{t("sign_in.title")}</h1>
        {signing.error && (
          <div role="alert" className="notice" style={{ "--c": "var(--red)" } as React.CSSProperties}>
            {signing.error}
          </div>
        )}
        <TextInput size="sm" type="email" label={t("sign_in.email")} autoComplete="username" required autoFocus value={email} onChange={(event) => setEmail(event.currentTarget.value)} />
        <PasswordInput label={t("sign_in.password")} autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.currentTarget.value)} visibilityToggleButtonProps={{ "aria-label": t("sign_in.show") }} />
        <Button type="submit" size="sm" loading={signing.isBusy}>
          {t("sign_in.submit")}
        </Button>
      </form>
      <aside>
        <p>{t("sign_in.motto")}</p>
      </aside>
    </main>
  );
}
