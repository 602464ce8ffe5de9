import createClient, { type Middleware } from "openapi-fetch";
import { ApiError, errorOf, unreachable } from "./errors";
import type { components, paths } from "./schema.gen";

export type Schemas = components["schemas"];
export type Account = Schemas["accounts.AccountView"];
export type Contact = Schemas["accounts.ContactView"];
export type Lead = Schemas["leads.LeadView"];
export type Activity = Schemas["activities.ActivityView"];
export type Entry = Schemas["activities.EntryView"];
export type DuplicateSet = Schemas["dedup.DuplicateSetView"];
export type Candidate = Schemas["dedup.Candidate"];
export type Import = Schemas["accounts.ImportView"];
export type ImportRow = Schemas["accounts.ImportRowView"];
export type Notice = Schemas["notifications.NotificationView"];
export type User = Schemas["identity.UserView"];

export interface Page<Row> {
  items: Row[];
  next_cursor?: string | null;
  total?: number | null;
}

const SAFE = new Set(["GET", "HEAD"]);
let csrfToken = "";
let sessionEnded: () => void = () => undefined;

export function setCsrfToken(token: string): void {
  csrfToken = token;
}

/** Who is called when the server no longer knows the session while somebody works. */
export function onSessionEnded(listener: () => void): void {
  sessionEnded = listener;
}

export function csrfHeader(): Record<string, string> {
  return { "X-CSRF-Token": csrfToken };
}

const protect: Middleware = {
  onRequest({ request }) {
    if (!SAFE.has(request.method)) request.headers.set("X-CSRF-Token", csrfToken);
    return request;
  },
  onResponse({ request, response }) {
    const isSessionItself = new URL(request.url).pathname === "/session";
    if (response.status === 401 && !isSessionItself) sessionEnded();
    return response;
  },
};

export const api = createClient<paths>({ baseUrl: globalThis.location?.origin ?? "", credentials: "same-origin" });
api.use(protect);

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The body of a good answer; anything else, no answer included, is thrown as an ApiError. */
export async function sent<Data>(asking: Promise<Answer<Data>>): Promise<Data> {
  let answer: Answer<Data>;
  try {
    answer = await asking;
  } catch (error) {
    throw error instanceof ApiError ? error : unreachable();
  }
  if (!answer.response.ok) throw await errorOf(answer.response, answer.error);
  return answer.data as Data;
}

/** The same key for every attempt at one thing: a double click or a repeat after a lost answer makes it once. */
export function newIdempotencyKey(): string {
  return crypto.randomUUID();
}

export function ifMatch(version: number): { "If-Match": string } {
  return { "If-Match": `"${version}"` };
}
