import { notifications } from "@mantine/notifications";
import i18next from "i18next";
import { asApiError, messageKeys } from "@/api/errors";
import { undoAction } from "./UndoAction";

const close = () => ({ closeButtonProps: { "aria-label": i18next.t("close") } });

export function sayDone(message: string, undo?: () => void): void {
  const id = crypto.randomUUID();
  const content = undo ? undoAction(message, i18next.t("undo"), () => (notifications.hide(id), undo())) : message;
  notifications.show({ id, message: content, ...close() });
}

export function sayError(error: unknown): void {
  const known = asApiError(error);
  // The dialog that asks to sign in again says it already.
  if (known.status === 401) return;
  const message = i18next.t(messageKeys(known), { seconds: known.retryAfter ?? 1 });
  notifications.show({ message, color: "red", role: "alert", autoClose: 10_000, ...close() });
}
