import type { ListSearch } from "@/api/queries/lists";

/** A list's state in the address: words, order and filters, nothing else, and nothing that cannot be read back. */
export function readListSearch(raw: Record<string, unknown>): ListSearch {
  const found: ListSearch = {};
  if (typeof raw.q === "string" && raw.q.trim()) found.q = raw.q;
  if (typeof raw.q === "number") found.q = String(raw.q);
  if (typeof raw.sort === "string" && /^-?\w+$/.test(raw.sort)) found.sort = raw.sort;
  const filters = (Array.isArray(raw.f) ? raw.f : [raw.f]).filter(isFilter);
  if (filters.length) found.f = filters;
  return found;
}

function isFilter(value: unknown): value is string {
  return typeof value === "string" && /^\w+:\w+:/.test(value);
}

/** The values chosen for a field by its chip: `type:in:a,b` gives a and b. */
export function chosenValues(filters: string[] | undefined, field: string): string[] {
  const mine = (filters ?? []).find((each) => each.startsWith(`${field}:`));
  if (!mine) return [];
  return mine.split(":").slice(2).join(":").split(",").filter(Boolean);
}

export function withValues(filters: string[] | undefined, field: string, values: string[], operator: string): string[] | undefined {
  const others = (filters ?? []).filter((each) => !each.startsWith(`${field}:`));
  const mine = values.length ? [`${field}:${operator}:${values.join(",")}`] : [];
  const all = [...others, ...mine];
  return all.length ? all : undefined;
}

/** First click up, second down, third back to the list's own order. */
export function nextSort(sort: string | undefined, field: string): string | undefined {
  if (sort === field) return `-${field}`;
  return sort === `-${field}` ? undefined : field;
}
