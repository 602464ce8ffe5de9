import { Button, Loader } from "@mantine/core";
import { IconMoodEmpty, IconPlugConnectedX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { asApiError, messageKeys } from "@/api/errors";

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="empty">
      <IconMoodEmpty size={28} stroke={1.4} aria-hidden />
      <strong>{title}</strong>
      {children && <span>{children}</span>}
      {action}
    </div>
  );
}

/** What went wrong in the person's language, and what to do. */
export function useErrorText(): (error: unknown) => string {
  const { t } = useTranslation();
  return (error) => {
    const known = asApiError(error);
    return t(messageKeys(known), { seconds: known.retryAfter ?? 1 });
  };
}

export function Failed({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const text = useErrorText();
  const known = asApiError(error);
  return (
    <div className="empty" role="alert">
      <IconPlugConnectedX size={28} stroke={1.4} aria-hidden />
      <strong>{text(error)}</strong>
      {known.problem.correlation_id && <small className="quiet">{known.problem.correlation_id}</small>}
      {retry && known.status !== 404 && known.status !== 403 && (
        <Button variant="default" onClick={retry}>
          {t("retry")}
        </Button>
      )}
    </div>
  );
}

export function Loading() {
  const { t } = useTranslation();
  return (
    <div className="empty">
      <Loader size="sm" aria-label={t("loading")} />
    </div>
  );
}

interface Asked<Data> {
  data: Data | undefined;
  error: unknown;
  refetch: () => unknown;
}

/** The content of an answer, or that it is on its way, or why it does not come. */
export function Shown<Data>({ of, children }: { of: Asked<Data>; children: (data: Data) => ReactNode }) {
  if (of.data !== undefined) return children(of.data);
  return of.error ? <Failed error={of.error} retry={() => void of.refetch()} /> : <Loading />;
}
