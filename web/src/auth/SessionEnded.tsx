import { Button, Modal, PasswordInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { onSessionEnded } from "@/api/client";
import { useMe } from "./session";
import { useSignIn } from "./SignIn";

/** The session ended in the middle of work: the page stays as it is, with all that was typed, behind this question. */
export function SessionEnded() {
  const { t } = useTranslation();
  const me = useMe();
  const client = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const [password, setPassword] = useState("");
  const signing = useSignIn();
  useEffect(() => onSessionEnded(() => setOpen(true)), []);
  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    if (!(await signing.run(me.email, password))) return;
    setOpen(false);
    setPassword("");
    await client.invalidateQueries();
  };
  return (
    <Modal opened={isOpen} onClose={() => undefined} withCloseButton={false} title={t("session.ended")} centered>
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <span>{t("session.kept", { email: me.email })}</span>
        <PasswordInput data-autofocus label={t("sign_in.password")} autoComplete="current-password" required value={password} error={signing.error} onChange={(event) => setPassword(event.currentTarget.value)} visibilityToggleButtonProps={{ "aria-label": t("sign_in.show") }} />
        <Button type="submit" loading={signing.isBusy}>
          {t("sign_in.submit")}
        </Button>
      </form>
    </Modal>
  );
}
