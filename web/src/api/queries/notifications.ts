import { queryOptions } from "@tanstack/react-query";
import { api, type Notice, sent } from "../client";

export const unreadQuery = queryOptions({
  queryKey: ["notifications", "unread"],
  queryFn: async () => (await sent(api.GET("/api/notifications/v1/notifications/unread-count"))).unread,
});

export const noticesQuery = queryOptions({
  queryKey: ["notifications", "list"],
  queryFn: () => sent(api.GET("/api/notifications/v1/notifications", { params: { query: { limit: 20 } } })),
});

export function readNotice(id: string): Promise<Notice> {
  const path = { notification_id: id };
  return sent(api.POST("/api/notifications/v1/notifications/{notification_id}/reading", { params: { path } }));
}

export async function readAll(): Promise<void> {
  await sent(api.POST("/api/notifications/v1/notifications/reading", {}));
}
