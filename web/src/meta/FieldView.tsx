import { usePersonName } from "@/api/queries/people";
import { useFormats } from "@/i18n/hooks";
import { useTranslation } from "react-i18next";
import { Badge } from "@/ui/Badge";
import { type Field, useFieldWords } from "./fields";

export type Value = unknown;

interface Address {
  street?: string | null;
  city?: string | null;
  postal_code?: string | null;
  region?: string | null;
  country?: string | null;
}

const BADGES = new Set(["type", "rating", "verification", "status"]);

/** Plain text of a value, as a list, a card or a comparison shows it; empty text for no value. */
export function useFieldText(): (field: Field, value: Value) => string {
  const formats = useFormats();
  const words = useFieldWords();
  const personName = usePersonName();
  const { t } = useTranslation();
  return (field, value) => {
    if (value === null || value === undefined || value === "") return "";
    if (Array.isArray(value)) return value.map((each) => words.option(field, String(each))).join(", ");
    switch (field.kind) {
      case "picklist":
        return words.option(field, String(value));
      case "yes_no":
        return t(value ? "yes" : "no");
      case "date":
        return formats.day(String(value));
      case "moment":
        return formats.moment(String(value));
      case "integer":
      case "number":
        return formats.number(Number(value));
      case "country":
        return formats.country(String(value));
      case "money": {
        const money = value as { amount: string; currency: string };
        return formats.money(money.amount, money.currency);
      }
      case "address":
        return addressLine(value as Address, formats.country);
      case "reference":
        return field.reference === "identity.user" ? (personName(String(value)) ?? "") : String(value);
      default:
        return String(value);
    }
  };
}

function addressLine(address: Address, country: (code: string) => string): string {
  const town = [address.postal_code, address.city].filter(Boolean).join(" ");
  return [address.street, town, address.region, address.country && country(address.country)].filter(Boolean).join(", ");
}

export function FieldView({ field, value }: { field: Field; value: Value }) {
  const text = useFieldText()(field, value);
  const formats = useFormats();
  if (field.kind === "moment" && value) return <time dateTime={String(value)} title={text}>{formats.ago(String(value))}</time>;
  if (text === "") return <span className="quiet">–</span>;
  if (field.kind === "picklist" && BADGES.has(field.name)) return <Badge value={String(value)} label={text} />;
  return <span>{text}</span>;
}
