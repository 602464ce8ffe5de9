import { infiniteQueryOptions } from "@tanstack/react-query";
import type { Page } from "../client";

export const PAGE_SIZE = 50;

export interface ListSearch {
  q?: string;
  sort?: string;
  f?: string[];
}

export interface ListParams {
  limit: number;
  sort?: string;
  q?: string;
  filter?: string[];
  cursor?: string;
  count?: boolean;
}

type Ask<Row> = (query: ListParams, signal: AbortSignal) => Promise<Page<Row>>;

/** A list read page by page with the server's cursors; the first page comes with the number of all. */
export function listQuery<Row>(key: string, search: ListSearch, ask: Ask<Row>) {
  return infiniteQueryOptions({
    queryKey: [key, "list", search],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      ask(
        { limit: PAGE_SIZE, sort: search.sort, q: search.q, filter: search.f, cursor: pageParam, count: !pageParam },
        signal,
      ),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: (before) => before,
  });
}
