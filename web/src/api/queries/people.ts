import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, sent, type User } from "../client";

const ENOUGH = 200;

export const peopleQuery = queryOptions({
  queryKey: ["people"],
  queryFn: () => sent(api.GET("/api/identity/v1/users", { params: { query: { limit: ENOUGH, sort: "name" } } })),
  staleTime: 5 * 60_000,
  select: (page) => new Map(page.items.map((user: User) => [user.id, user])),
});

/** The name of a colleague, undefined while it is not known. */
export function usePersonName(): (id: string | null | undefined) => string | undefined {
  const { data } = useQuery(peopleQuery);
  return (id) => (id ? data?.get(id)?.name : undefined);
}
