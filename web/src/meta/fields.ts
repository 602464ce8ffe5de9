import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { metaQuery } from "@/api/queries/meta";

/** One field as a service's /meta describes it. */
export interface Field {
  name: string;
  label: string;
  help: string;
  kind: string;
  max_length: number | null;
  options: { value: string; label: string }[];
  open_set: boolean;
  reference: string | null;
  required: boolean;
  filterable: boolean;
  sortable: boolean;
  ops: string[];
}

export interface Catalogue {
  name: string;
  label: string;
  plural: string;
  help: string;
  fields: Field[];
}

export type ObjectName = "account" | "contact" | "lead";

const SERVICE: Record<ObjectName, string> = { account: "accounts", contact: "accounts", lead: "leads" };

/** The object's fields, in the service's order; empty until they are known. */
export function useFields(object: ObjectName): Field[] {
  const { data } = useQuery(metaQuery(SERVICE[object]));
  return data?.objects.find((each) => each.name === object)?.fields ?? [];
}

export interface FieldWords {
  label(field: Field): string;
  help(field: Field): string;
  option(field: Field, value: string): string;
}

/** The catalogues' words for a field; for a field that they do not know, what the service itself says. */
export function useFieldWords(): FieldWords {
  const { t } = useTranslation();
  return {
    label: (field) => t(`fields.${field.name}`, { defaultValue: field.label }),
    help: (field) => t(`help.${field.name}`, { defaultValue: field.help }),
    option: (field, value) => {
      const said = field.options.find((option) => option.value === value)?.label ?? value;
      return t(`options.${field.name}.${value}`, { defaultValue: said, keySeparator: "." });
    },
  };
}
