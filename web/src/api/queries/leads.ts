import { queryOptions } from "@tanstack/react-query";
import { api, type Lead, sent } from "../client";
import { listQuery, type ListSearch } from "./lists";

export const leadsQuery = (search: ListSearch) =>
  listQuery<Lead>("leads", search, (query, signal) =>
    sent(api.GET("/api/leads/v1/leads", { params: { query }, signal })),
  );

export const queuesQuery = queryOptions({
  queryKey: ["queues"],
  queryFn: () => sent(api.GET("/api/leads/v1/queues", {})),
});

/** The lead that has waited longest becomes the caller's; null when nothing waits. */
export async function takeNext(queueId: string, key: string): Promise<Lead | null> {
  const taken = await sent(
    api.POST("/api/leads/v1/queues/{queue_id}/take", {
      params: { path: { queue_id: queueId } },
      headers: { "Idempotency-Key": key },
    }),
  );
  return (taken as Lead | undefined) ?? null;
}
