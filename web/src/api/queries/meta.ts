import { queryOptions } from "@tanstack/react-query";
import type { Catalogue } from "@/meta/fields";
import { api, sent } from "../client";

type Asked = () => Promise<unknown>;

const ASK: Record<string, Asked> = {
  accounts: () => sent(api.GET("/api/accounts/v1/meta")),
  leads: () => sent(api.GET("/api/leads/v1/meta")),
  dedup: () => sent(api.GET("/api/dedup/v1/meta")),
};

/** What a service says about its objects' fields. It changes with a release only, so it is asked for once. */
export const metaQuery = (service: string) =>
  queryOptions({
    queryKey: ["meta", service],
    queryFn: async () => (await ASK[service]!()) as { objects: Catalogue[] },
    staleTime: Infinity,
  });
