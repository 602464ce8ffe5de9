import type { Field, ObjectName } from "./fields";

/**
 * What no /meta says yet: which fields a list shows, which can be narrowed by a chip, and in which section of a record
 * a field stands. A field that is not named here stands in the section `more`, so that a new one appears by itself.
 */
export interface Layout {
  columns: string[];
  chips: string[];
  sections: Record<string, string[]>;
  form: string[];
}

export const MORE = "more";

export const LAYOUTS: Record<ObjectName, Layout> = {
  account: {
    columns: ["type", "billing", "owner_id", "phone", "industry", "verification", "updated_at"],
    chips: ["type", "industry", "rating", "verification"],
    sections: {
      about: ["name", "legal_name", "type", "industry", "rating", "employees", "annual_revenue", "description"],
      reach: ["phone", "email", "website", "fax", "billing", "shipping"],
      numbers: ["tax_number", "tax_country", "account_number", "external_id", "currency"],
    },
    form: ["name", "legal_name", "tax_number", "type", "phone", "email", "website", "billing"],
  },
  contact: {
    columns: ["title", "account_id", "email", "phone", "mobile", "owner_id", "updated_at"],
    chips: ["roles"],
    sections: { about: ["first_name", "last_name", "title", "department", "roles"], reach: ["email", "phone", "mobile"] },
    form: ["first_name", "last_name", "title", "email", "phone", "mobile"],
  },
  lead: {
    columns: ["company", "status", "source", "email", "phone", "owner_id", "arrived_at"],
    chips: ["status", "source"],
    sections: { about: ["first_name", "last_name", "company", "status"], reach: ["email", "phone", "mobile"] },
    form: ["first_name", "last_name", "company", "email", "phone"],
  },
};

/** Never shown among the fields of a record: the header has them, or only commands change them. */
const ELSEWHERE = new Set(["kind", "owner_id", "verification", "first_name", "last_name"]);

export function sectionsOf(object: ObjectName, fields: Field[]): [string, Field[]][] {
  const byName = new Map(fields.map((field) => [field.name, field]));
  const placed = Object.entries(LAYOUTS[object].sections).map(([section, names]): [string, Field[]] => [
    section,
    names.flatMap((name) => byName.get(name) ?? []),
  ]);
  const named = new Set(placed.flatMap(([, members]) => members.map((field) => field.name)));
  const rest = fields.filter((field) => !named.has(field.name) && !ELSEWHERE.has(field.name));
  return [...placed, [MORE, rest]];
}
