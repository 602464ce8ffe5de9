import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Activity, api, type Entry, type Schemas, sent } from "../client";

export type RecordedObject = "account" | "contact" | "lead";
export type NewActivity = Partial<Schemas["activities.RecordActivity"]> & { kind: string };

export const timelineQuery = (object: RecordedObject, id: string) =>
  infiniteQueryOptions({
    queryKey: ["timeline", object, id],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      sent(api.GET("/api/activities/v1/timeline", { params: { query: { object, id, cursor: pageParam, limit: 30 } } })),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    select: (data) => data.pages.flatMap((page) => page.items as Entry[]),
  });

export const touchQuery = (object: RecordedObject, id: string) =>
  queryOptions({
    queryKey: ["timeline", object, id, "summary"],
    queryFn: () => sent(api.GET("/api/activities/v1/timeline/summary", { params: { query: { object, id } } })),
  });

export const agendaQuery = queryOptions({
  queryKey: ["agenda"],
  queryFn: () => sent(api.GET("/api/activities/v1/agenda", {})),
});

export const latestQuery = queryOptions({
  queryKey: ["activities", "latest"],
  queryFn: () =>
    sent(
      api.GET("/api/activities/v1/activities", {
        params: { query: { limit: 8, sort: "-updated_at", filter: ["status:eq:done"] } },
      }),
    ),
});

export function recordActivity(body: NewActivity, key: string): Promise<Activity> {
  return sent(
    api.POST("/api/activities/v1/activities", {
      body: body as Schemas["activities.RecordActivity"],
      headers: { "Idempotency-Key": key },
    }),
  );
}

export function completeActivity(activityId: string): Promise<Activity> {
  return sent(
    api.POST("/api/activities/v1/activities/{activity_id}/completion", {
      params: { path: { activity_id: activityId } },
      body: {},
    }),
  );
}
