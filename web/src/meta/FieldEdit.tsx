import { Checkbox, MultiSelect, NumberInput, Select, Textarea, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { COUNTRIES } from "./countries";
import { type Field, useFieldWords } from "./fields";
import { useFormats } from "@/i18n/hooks";

export interface EditProps {
  field: Field;
  value: unknown;
  onChange: (value: unknown) => void;
  error?: string;
  /** Hidden labels are still read aloud. */
  isLabelled?: boolean;
  autoFocus?: boolean;
}

const TYPES: Record<string, string> = { email: "email", phone: "tel", url: "text", date: "date" };
const orNull = (text: string | null) => (text === "" ? null : text);

/** The control for a field's kind; a kind that this version does not know is typed as text. */
export function FieldEdit(props: EditProps) {
  const { field, value, onChange, error, isLabelled = true, autoFocus } = props;
  const words = useFieldWords();
  const label = words.label(field);
  const shared = {
    error,
    label: isLabelled ? label : undefined,
    "aria-label": isLabelled ? undefined : label,
    required: field.required,
    "data-autofocus": autoFocus || undefined,
    autoFocus,
  };
  switch (field.kind) {
    case "address":
      return <AddressEdit {...props} />;
    case "country":
      return <CountryEdit {...props} />;
    case "picklist": {
      const data = field.options.map((each) => ({ value: each.value, label: words.option(field, each.value) }));
      const chosen = (value as string | null) ?? null;
      return <Select {...shared} data={data} value={chosen} onChange={onChange} searchable clearable={!field.required} />;
    }
    case "list": {
      const data = field.options.map((each) => ({ value: each.value, label: words.option(field, each.value) }));
      return <MultiSelect {...shared} data={data} value={(value as string[]) ?? []} onChange={onChange} searchable />;
    }
    case "yes_no":
      return <Checkbox label={label} checked={Boolean(value)} onChange={(event) => onChange(event.currentTarget.checked)} />;
    case "integer":
      return <NumberInput {...shared} value={(value as number) ?? ""} onChange={(number) => onChange(number === "" ? null : number)} allowDecimal={false} />;
    case "long_text":
      return <Textarea {...shared} autosize minRows={3} value={(value as string) ?? ""} onChange={(event) => onChange(orNull(event.currentTarget.value))} />;
    case "money":
      return <MoneyEdit {...props} />;
    default:
      return (
        <TextInput
          {...shared}
          type={TYPES[field.kind] ?? "text"}
          maxLength={field.max_length ?? undefined}
          value={(value as string) ?? ""}
          onChange={(event) => onChange(orNull(event.currentTarget.value))}
        />
      );
  }
}

function MoneyEdit({ field, value, onChange, error, autoFocus }: EditProps) {
  const { t } = useTranslation();
  const label = useFieldWords().label(field);
  const money = (value as { amount?: string; currency?: string } | null) ?? {};
  const change = (part: object) => {
    const next = { currency: "EUR", ...money, ...part };
    onChange(next.amount ? next : null);
  };
  return (
    <div className="row">
      <TextInput className="grow" aria-label={label} inputMode="decimal" error={error} autoFocus={autoFocus} value={money.amount ?? ""} onChange={(event) => change({ amount: event.currentTarget.value })} />
      <TextInput w={64} aria-label={t("currency")} maxLength={3} value={money.currency ?? "EUR"} onChange={(event) => change({ currency: event.currentTarget.value.toUpperCase() })} />
    </div>
  );
}

function CountryEdit({ field, value, onChange, error, isLabelled = true }: EditProps) {
  const label = useFieldWords().label(field);
  const formats = useFormats();
  const data = COUNTRIES.map((code) => ({ value: code, label: formats.country(code) }));
  data.sort((one, other) => one.label.localeCompare(other.label));
  return (
    <Select label={isLabelled ? label : undefined} aria-label={isLabelled ? undefined : label} data={data} value={(value as string) ?? null} onChange={onChange} error={error} searchable clearable />
  );
}

const PARTS = ["street", "postal_code", "city", "region"] as const;

function AddressEdit({ field, value, onChange, error }: EditProps) {
  const { t } = useTranslation();
  const label = useFieldWords().label(field);
  const address = (value as Record<string, string | null> | null) ?? {};
  const change = (part: string, text: string | null) => {
    const next = { ...address, [part]: orNull(text) };
    onChange(Object.values(next).some(Boolean) ? next : null);
  };
  const country = { ...field, name: "country", label: "Country", help: "" };
  return (
    <fieldset style={{ border: 0, margin: 0, padding: 0, minWidth: 0, display: "grid", gap: 8 }}>
      <legend className="sr">{label}</legend>
      {PARTS.map((part) => (
        <TextInput key={part} label={t(`address.${part}`)} value={address[part] ?? ""} onChange={(event) => change(part, event.currentTarget.value)} />
      ))}
      <CountryEdit field={country} value={address.country} onChange={(code) => change("country", code as string | null)} error={error} />
    </fieldset>
  );
}
