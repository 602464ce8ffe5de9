import { IconCheck, IconChecks, IconX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

interface Reason {
  field: string;
  verdict: string;
  detail: string;
}

const LOOKS = {
  decisive: { icon: IconChecks, colour: "var(--green)" },
  supports: { icon: IconCheck, colour: "var(--ink-2)" },
  contradicts: { icon: IconX, colour: "var(--red)" },
} as const;

/** Why two records look like one customer, field by field. */
export function Reasons({ reasons }: { reasons: readonly Reason[] }) {
  const { t } = useTranslation();
  return (
    <ul className="reasons">
      {reasons.map((reason) => {
        const look = LOOKS[reason.verdict as keyof typeof LOOKS] ?? LOOKS.supports;
        const Icon = look.icon;
        return (
          <li key={reason.field} className="row" style={{ gap: 3 }} title={reason.detail}>
            <Icon size={13} color={look.colour} role="img" aria-label={t(`duplicates.verdict.${reason.verdict}`)} />
            {t(`fields.${reason.field}`, { defaultValue: reason.field })}
          </li>
        );
      })}
    </ul>
  );
}
