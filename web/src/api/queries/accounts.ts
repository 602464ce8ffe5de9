import { queryOptions } from "@tanstack/react-query";
import { type Account, api, type Candidate, ifMatch, type Schemas, sent } from "../client";
import { listQuery, type ListSearch } from "./lists";

export type NewAccount = Schemas["accounts.CreateAccount"];
export type AccountChange = Schemas["accounts.EditAccount"];

const id = (account_id: string) => ({ path: { account_id } });

export const accountsQuery = (search: ListSearch) =>
  listQuery<Account>("accounts", search, (query, signal) =>
    sent(api.GET("/api/accounts/v1/accounts", { params: { query }, signal })),
  );

export const accountQuery = (accountId: string) =>
  queryOptions({
    queryKey: ["accounts", "record", accountId],
    queryFn: () => sent(api.GET("/api/accounts/v1/accounts/{account_id}", { params: id(accountId) })),
  });

export const accountContactsQuery = (accountId: string) =>
  queryOptions({
    queryKey: ["contacts", "of", accountId],
    queryFn: () => sent(api.GET("/api/accounts/v1/accounts/{account_id}/contacts", { params: id(accountId) })),
  });

export function createAccount(body: NewAccount, key: string): Promise<Schemas["accounts.WrittenAccountView"]> {
  return sent(api.POST("/api/accounts/v1/accounts", { body, headers: { "Idempotency-Key": key } }));
}

export function changeAccount(accountId: string, version: number, body: Record<string, unknown>): Promise<Account> {
  return sent(
    api.PATCH("/api/accounts/v1/accounts/{account_id}", {
      params: { ...id(accountId), header: ifMatch(version) },
      body: body as AccountChange,
    }),
  );
}

export const searchQuery = (words: string) =>
  queryOptions({
    queryKey: ["search", words],
    queryFn: ({ signal }) =>
      sent(api.GET("/api/accounts/v1/search", { params: { query: { q: words } as never }, signal })),
    enabled: words.length > 1,
    staleTime: 10_000,
  });

/** Records that look like what is being typed. Nothing is stored. */
export const duplicateCheckQuery = (object: "account", fields: Record<string, unknown>, enabled: boolean) =>
  queryOptions({
    queryKey: ["duplicate-check", object, fields],
    queryFn: ({ signal }) => sent(api.POST("/api/dedup/v1/checks", { body: { object, fields }, signal })),
    enabled,
    staleTime: 10_000,
    placeholderData: (before) => (enabled ? before : undefined),
  });

export type { Candidate };
