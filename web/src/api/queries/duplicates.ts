import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, type DuplicateSet, sent } from "../client";

const open = ["status:eq:open"];

export const duplicatesQuery = infiniteQueryOptions({
  queryKey: ["duplicates", "open"],
  initialPageParam: undefined as string | undefined,
  queryFn: ({ pageParam }) =>
    sent(
      api.GET("/api/dedup/v1/duplicate-sets", {
        params: { query: { filter: open, limit: 20, cursor: pageParam, count: true } },
      }),
    ),
  getNextPageParam: (page) => page.next_cursor ?? undefined,
});

export const duplicatesToReview = queryOptions({
  queryKey: ["duplicates", "few"],
  queryFn: () =>
    sent(api.GET("/api/dedup/v1/duplicate-sets", { params: { query: { filter: open, limit: 5, count: true } } })),
});

export function dismissSet(setId: string, reason: string): Promise<DuplicateSet> {
  return sent(
    api.POST("/api/dedup/v1/duplicate-sets/{set_id}/dismissal", {
      params: { path: { set_id: setId } },
      body: { reason },
    }),
  );
}
